"""Pages for LMS admins and instructors."""
