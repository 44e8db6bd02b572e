"""How a call to the practice SCORM Cloud fails: a status and a sentence."""


class ApiError(Exception):
    """An answer of 4xx with one sentence; the view that finds the trouble raises it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def no_registration(registration_id: str) -> ApiError:
    """The 404 of a registration that is not there."""
    return ApiError(404, f"Could not find registration [{registration_id}]")


def no_course(course_id: str) -> ApiError:
    """The 404 of a course that is not there."""
    return ApiError(404, f"Could not find course [{course_id}]")
