"""What all kinds of LMS have in common: the sentences about an answer."""

from ..web.sentences import N_

LMS_FAILED = N_("The LMS answered {status}; it is tried again.")
LMS_REFUSED = N_("The LMS refused the score (it answered {status}).")
