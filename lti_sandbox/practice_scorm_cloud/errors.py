"""Errors of the practice SCORM Cloud: a status and a message."""


class ApiError(Exception):
    """An answer of 4xx with one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def no_registration(registration_id: str) -> ApiError:
    """The 404 of a missing registration."""
    return ApiError(404, f"Could not find registration [{registration_id}]")


def no_course(course_id: str) -> ApiError:
    """The 404 of a missing course."""
    return ApiError(404, f"Could not find course [{course_id}]")
