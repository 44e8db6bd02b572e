"""What is kept of people: show it, hand it out, erase it, and let go of what is old."""
