"""What all kinds of LMS have in common: the sentences about an answer."""

from ..web.sentences import mark

LMS_FAILED = mark("The LMS answered {status}; it is tried again.")
LMS_REFUSED = mark("The LMS refused the score (it answered {status}).")
