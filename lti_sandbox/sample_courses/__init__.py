"""Small sample courses, built as zips on demand: three to learn from, the others for tests."""

from lti_sandbox.sample_courses.build import KINDS, build_sample, course_id

__all__ = ["KINDS", "build_sample", "course_id"]
