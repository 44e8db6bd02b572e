"""The pages inside the LMS for those who teach: the activity, its learners, its grading."""
