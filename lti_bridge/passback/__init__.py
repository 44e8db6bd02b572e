"""Chapter 4, passback: exit, postback, reading progress, grading policy, sending scores."""
