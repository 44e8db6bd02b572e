"""Row of the nonces that a verified launch has used up."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class UsedNonce(Base):
    """A nonce that was used; kept until its state can no longer be valid."""

    __tablename__ = "used_nonce"

    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # Where the launch came from: a browser that reloads or goes back to it is sent there.
    return_url: Mapped[str | None]
