"""The door to the LMS: everything that speaks LTI and imports pylti1p3."""
