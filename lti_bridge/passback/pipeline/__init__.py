"""A worker's steps with one grade, from taking the lease to storing the outcome."""
