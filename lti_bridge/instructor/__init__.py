"""Pages inside the LMS for instructors: the activity, its learners, its grading."""
