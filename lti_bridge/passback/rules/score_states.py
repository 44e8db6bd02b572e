"""Where a score is on its way to the gradebook."""

QUEUED, ACCEPTED, SUPERSEDED, PARKED = "queued", "accepted", "superseded", "parked"
