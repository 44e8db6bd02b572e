"""What is wrong right now, and what became of launches that were refused."""
