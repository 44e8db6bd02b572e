"""Who says that a grade is due: an exit, a postback, the sweep, the overdue round."""
