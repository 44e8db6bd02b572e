"""Row of the nonces that a verified launch has used up."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class UsedNonce(Base):
    """A nonce that can never launch again; kept until its state can no longer be valid."""

    __tablename__ = "used_nonce"

    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # Where the launch came from: whoever goes back to it or reloads it is led there.
    return_url: Mapped[str | None]
