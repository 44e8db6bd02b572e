"""Chapter 4, the grade goes home: exit, postback, poll, grading policy, score."""
