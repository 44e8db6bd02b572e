"""What a worker does with one grade, from the lease to the outcome."""
