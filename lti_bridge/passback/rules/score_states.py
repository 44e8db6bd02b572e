"""Where a score is on its way to the gradebook, and how an accepted one stands there."""

QUEUED, ACCEPTED, SUPERSEDED, PARKED = "queued", "accepted", "superseded", "parked"

# The LMS has yet to be asked what stands; it took the score and shows it later; it took the score
# and shows the grade that a person set; it took the score and shows no grade at all.
UNCHECKED, PENDING, KEPT, NO_FINAL = "unchecked", "pending", "kept", "no final grade"

# Outcomes of tries that only asked the LMS which grade it holds, and came to nothing.
UNREAD, UNCLEAR = "unread", "unclear"
