"""An instructor chooses or uploads a course from inside the LMS."""
