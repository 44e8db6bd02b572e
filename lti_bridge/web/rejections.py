"""The texts of error pages: what happened, who can fix it, and how, for each reason code."""

from dataclasses import dataclass, replace

from ..core.errors import Reason
from ..core.sentences import N_

LEARNER, TEACHER, ADMIN = "You", "Your instructor", "Your LMS administrator"
OPERATOR = "The operator of this bridge"
_LEADS = {
    LEARNER: N_("What you can do:"),
    TEACHER: N_("Your instructor can fix this."),
    ADMIN: N_("Your LMS administrator can fix this."),
    OPERATOR: N_("The operator of this bridge can fix this."),
}


@dataclass(frozen=True)
class Rejection:
    """One error page: HTTP status, title, what happened, who can fix it, and how.

    Each text is marked for translation by itself; `more` continues `how`. `can_retry`: only
    SCORM Cloud failed, so the same launch may be tried again.
    """

    status: int
    title: str
    happened: str
    who: str
    how: str
    can_retry: bool = False
    more: str = ""

    def by_hand(self) -> "Rejection":
        """Return this self-refreshing page as one that needs a new launch (503)."""
        return replace(self, status=503, how=_AGAIN, can_retry=False)

    @property
    def lead(self) -> str:
        """Who can fix it, as a sentence."""
        return _LEADS[self.who]

    @property
    def advice(self) -> str:
        """How to fix it, in English."""
        return f"{self.how} {self.more}".strip()


_AGAIN = N_("Go back to your course and open the activity again.")
_RELOAD = N_("Reload the page of your course, or open this again from there.")
_TELL = N_("If that does not help, tell your instructor the code and the reference below.")


def _unverified(happened: str) -> Rejection:
    title = N_("This launch could not be verified")
    how = N_("Check the tool's settings in the LMS and here.")
    return Rejection(400, title, happened, ADMIN, how, more=_AGAIN)


def _from_course(happened: str) -> Rejection:
    title = N_("This page opens from your course")
    return Rejection(400, title, happened, LEARNER, _RELOAD)


_LOGIN = {
    Reason.LOGIN_INCOMPLETE: _from_course(
        "The request that starts a launch is incomplete or malformed."
    ),
    Reason.LTI_1_1: Rejection(
        400,
        "This is a launch of LTI 1.1",
        "Your LMS sent the older kind of launch, which has a key and a shared secret. This bridge "
        "takes LTI 1.3.",
        ADMIN,
        "Connect this bridge as an LTI 1.3 tool, then add the activity again with that tool.",
    ),
    Reason.NOT_FROM_LMS: _from_course(
        "A launch arrives here from an LMS, not by this address alone."
    ),
    Reason.UNKNOWN_PLATFORM: Rejection(
        400,
        "This LMS is not connected",
        "The issuer and client id that the LMS sent belong to no platform here.",
        OPERATOR,
        "Compare them with `lti-bridge platform list`; add it with `lti-bridge platform add`.",
    ),
    Reason.AMBIGUOUS_PLATFORM: Rejection(
        400,
        "The LMS did not say which connection it uses",
        "Several platforms here have this issuer, and the login named no client id.",
        ADMIN,
        "Let the LMS send `client_id` with the login request.",
    ),
    Reason.PLATFORM_DISABLED: Rejection(
        403,
        "This LMS is switched off here",
        "Launches from it have been disabled.",
        OPERATOR,
        "Repeat `lti-bridge platform add` for it to switch it on again.",
    ),
    Reason.LMS_LOGIN_REQUIRED: Rejection(
        403,
        "Your LMS wants you to sign in",
        "It does not recognise your session: it has ended, or your browser blocks its cookies.",
        LEARNER,
        "Reload the page of your LMS, sign in, and open the activity again.",
    ),
    Reason.LMS_LAUNCH_USED: Rejection(
        400,
        "This launch was used already",
        "Your LMS lets each launch through once; reloading or going back repeats an old one.",
        LEARNER,
        _AGAIN,
    ),
    Reason.LMS_ACCESS_DENIED: Rejection(
        403,
        "Your LMS did not let this launch through",
        "The person signed in to the LMS is not the one who clicked, or may not open this.",
        LEARNER,
        "Sign in to your LMS again and open the activity once more.",
        more=_TELL,
    ),
    Reason.LMS_REFUSED: Rejection(
        400,
        "Your LMS refused the launch",
        "It answered with an error instead of saying who you are.",
        ADMIN,
        "Compare client id, redirect address and login address in the LMS with this bridge.",
    ),
    Reason.STATE_MISSING: _from_course("The launch came without its beginning."),
    Reason.STATE_INVALID: _unverified("The launch did not begin here, or was changed on its way."),
    Reason.STATE_EXPIRED: Rejection(
        400, "This launch took too long", "It began too long ago.", LEARNER, _AGAIN
    ),
    Reason.BROWSER_UNPROVEN: Rejection(
        403,
        "Your browser hid that it is still you",
        "It did not send back the cookie that ties this launch to this browser. Many browsers "
        "block cookies of a page that is shown inside another site.",
        LEARNER,
        "Go back to your course and open the activity again; if your LMS lets you, in a new "
        "window. If that fails, use another browser, or allow cookies for this site.",
    ),
    Reason.RELOADED: Rejection(
        403,
        "This launch was used already",
        "Each launch works once; reloading the page or going back repeats an old one.",
        LEARNER,
        _AGAIN,
    ),
    Reason.TWO_HOST_NAMES: Rejection(
        403,
        "One machine has two names here",
        "Your LMS and this bridge are opened over http by different names of one machine, such as "
        "localhost and 127.0.0.1. To a browser these are two sites, and it keeps the cookie back "
        "that ties the launch to it.",
        OPERATOR,
        "Use one host name for both: in `public_url` and in the addresses that the LMS and the "
        "bridge have of each other.",
    ),
    Reason.NO_COOKIES: Rejection(
        403,
        "Your browser keeps no cookies for this site",
        "The course cannot be opened without one, not even in a window of its own: it ties the "
        "launch to this browser, so that nobody else can use it.",
        ADMIN,
        "Allow cookies for this site in the browser, or in the settings that your organisation "
        "makes for its browsers; a privacy extension can block them too. Then go back to your "
        "course and open the activity again.",
    ),
}

_TOKEN = {
    Reason.TOKEN_MISSING: _unverified("The LMS did not say who you are."),
    Reason.TOKEN_MALFORMED: _unverified("The LMS's message cannot be read."),
    Reason.WRONG_ALGORITHM: _unverified("The LMS's message is not signed with RS256."),
    Reason.KEY_UNNAMED: _unverified("The LMS's message does not name the key that signed it."),
    Reason.UNKNOWN_KEY: _unverified("The key that signed the message is not in the LMS's key set."),
    Reason.BAD_SIGNATURE: _unverified("The signature of the LMS's message is wrong."),
    Reason.KEYS_UNAVAILABLE: Rejection(
        503,
        "The LMS's keys cannot be fetched",
        "They are needed to verify the launch, and the LMS did not hand them out.",
        ADMIN,
        "Open the activity again in a minute. If it stays, this bridge cannot reach the LMS's "
        "JWKS address.",
    ),
    Reason.CLAIMS_MISSING: _unverified("The LMS's message lacks something that every launch has."),
    Reason.ANONYMOUS_LAUNCH: Rejection(
        400,
        "Your LMS did not say who you are",
        "It sent a launch without a user (anonymous). A course needs somebody whose result it is.",
        ADMIN,
        "Let the LMS send the user's id with this tool's launches; names and addresses may stay "
        "withheld.",
    ),
    Reason.BAD_CLAIMS: _unverified("Something in the LMS's message is missing or malformed."),
    Reason.BAD_ROLES: _unverified("The LMS's message does not say what you are in the course."),
    Reason.WRONG_ISSUER: _unverified("The message comes from another LMS than the login."),
    Reason.WRONG_AUDIENCE: _unverified("The message was issued to another tool."),
    Reason.WRONG_NONCE: _unverified("The message belongs to another launch."),
    Reason.WRONG_TARGET: _unverified("The message is meant for another website than this one."),
    Reason.BAD_MESSAGE: _unverified("The message lacks something that its kind of launch needs."),
    Reason.TOKEN_EXPIRED: Rejection(
        400,
        "This launch is no longer valid",
        "Its time was over before it arrived.",
        LEARNER,
        _AGAIN,
        more=N_("If it happens each time, a clock is wrong: tell your LMS administrator."),
    ),
    Reason.TOKEN_FROM_FUTURE: _unverified("The message is dated in the future: a clock is wrong."),
    Reason.TOKEN_TOO_OLD: Rejection(
        400, "This launch is no longer valid", "It was issued too long ago.", LEARNER, _AGAIN
    ),
    Reason.REPLAYED: Rejection(
        400,
        "This launch was used already",
        "Each launch works once; reloading the page or going back repeats an old one.",
        LEARNER,
        _AGAIN,
    ),
    Reason.UNKNOWN_MESSAGE: Rejection(
        400,
        "This kind of launch is not supported",
        "The LMS asked for something that this bridge does not do.",
        ADMIN,
        "Use the tool as an activity in a course.",
    ),
    Reason.UNKNOWN_DEPLOYMENT: Rejection(
        403,
        "This installation waits for approval",
        "The LMS is connected, but this installation (deployment) of the tool is not approved.",
        OPERATOR,
        "Approve it with `lti-bridge platform deployment approve`; then open it again.",
    ),
}

_REGISTRATION = {
    Reason.NO_COURSE: Rejection(
        409,
        "This activity has no course yet",
        "Nobody has chosen the SCORM course that it opens.",
        TEACHER,
        "Set the activity's custom parameter `scorm_course_id` to the id of a SCORM Cloud course.",
    ),
    Reason.COURSE_MISSING: Rejection(
        404,
        "The course is not in SCORM Cloud",
        "The activity names a course that SCORM Cloud does not have.",
        TEACHER,
        "Check the course id, or upload the course with `lti-bridge course upload`.",
        can_retry=True,
    ),
    Reason.CREATE_REFUSED: Rejection(
        503,
        "SCORM Cloud has no place for you",
        "It refused a new registration; the account's quota may be used up.",
        OPERATOR,
        "Look at the account's registrations in SCORM Cloud, then try again.",
        can_retry=True,
    ),
    Reason.REGISTRATION_GONE: Rejection(
        409,
        "Your place in the course has gone",
        "SCORM Cloud no longer has it. No new one was made, so that no result gets lost.",
        OPERATOR,
        "Find out who deleted it; `lti-bridge registration show` tells its story.",
    ),
    Reason.SCORM_CLOUD_REFUSED: Rejection(
        502,
        "SCORM Cloud refused the request",
        "The app id or secret key of the account may be wrong or lack a permission.",
        OPERATOR,
        "Check the SCORM Cloud account, then try again.",
        can_retry=True,
    ),
    Reason.SCORM_CLOUD_DOWN: Rejection(
        503,
        "SCORM Cloud does not answer",
        "Nothing is lost; the course just cannot be opened right now.",
        LEARNER,
        "Try again in a minute.",
        can_retry=True,
    ),
    Reason.NOT_ENROLLED: Rejection(
        403,
        "You are not enrolled here",
        "Your LMS does not say that you learn or teach in this course.",
        TEACHER,
        "Ask an instructor of the course to add you to it, then open the activity again.",
    ),
    Reason.NO_ATTEMPT_LEFT: Rejection(
        409,
        "There is no further attempt",
        "Every attempt that this activity allows has been used, or the newest is not finished.",
        LEARNER,
        "Open the activity again to go on with the newest attempt, or ask an instructor.",
    ),
    Reason.SEAT_BUSY: Rejection(
        202,
        "Your place is being prepared",
        "It was opened twice at the same moment, and the first one is still at work.",
        LEARNER,
        "Wait a moment: this page tries again by itself.",
        can_retry=True,
    ),
    Reason.CLOUD_BUSY: Rejection(
        202,
        "Many people are opening activities",
        "SCORM Cloud is slow just now, and others were here before you.",
        LEARNER,
        "Wait a moment: this page tries again by itself. If it stays, open the activity again.",
        can_retry=True,
    ),
    Reason.RESUME_INVALID: Rejection(
        400,
        "This page is too old",
        "It can no longer continue the launch that it belonged to, or not in this browser.",
        LEARNER,
        _AGAIN,
    ),
    Reason.NOT_FOR_YOU: Rejection(
        403,
        "This page is for instructors",
        "Only people who manage the course in the LMS can do this.",
        TEACHER,
        "Ask an instructor of the course to do it, or to give you the role in the LMS.",
    ),
    Reason.PAGE_NOT_YOURS: Rejection(
        403,
        "Open the console from your course",
        "Your browser did not show that this page was opened in it. The console opens only from "
        "the page of an activity that you have just opened yourself.",
        LEARNER,
        "Go back to your course and open the activity again. If your browser keeps no cookies "
        "inside your LMS, open the activity in a window of its own.",
    ),
    Reason.CONSOLE_DOOR_CLOSED: Rejection(
        400,
        "This way into the console is closed",
        "It opens once, within a minute.",
        LEARNER,
        "Go back to the activity's page and choose “Open the console” again.",
    ),
    Reason.PAGE_EXPIRED: Rejection(
        400, "This page is too old", "It works for an hour.", LEARNER, _RELOAD
    ),
    Reason.NOT_SET_UP: Rejection(
        500,
        "This bridge is not set up yet",
        "Something that every launch needs has not been configured; its log says what.",
        OPERATOR,
        "Follow the guide in the bridge's console, or run `lti-bridge doctor`.",
    ),
}

_PICKING = {
    Reason.PICKING_NOT_ALLOWED: Rejection(
        403,
        "Courses are picked by instructors",
        "Your LMS says that you do not teach in this course, so you cannot add activities to it.",
        ADMIN,
        "Give the person who should add activities the role of an instructor in the course.",
    ),
    Reason.UPLOADING_NOT_ALLOWED: Rejection(
        403,
        "Packages are uploaded by instructors",
        "Assistants can pick courses that are there, but not add or replace any.",
        TEACHER,
        "Ask the instructor of the course to upload the package.",
    ),
    Reason.PACKAGE_TOO_LARGE: Rejection(
        400,
        "This package is too large",
        "It is larger than packages may be that are uploaded here.",
        LEARNER,
        "Take videos out of the package, or ask the operator of this bridge to upload it.",
    ),
    Reason.NO_ROOM: Rejection(
        503,
        "There is no room for this package",
        "The bridge could not keep the file while it was sent on.",
        OPERATOR,
        "Make room on the disk for temporary files, then upload it again.",
    ),
    Reason.LINKS_NOT_ACCEPTED: Rejection(
        400,
        "A course cannot be added here",
        "This place in your LMS takes other things than activities of a tool.",
        TEACHER,
        "Add the tool where your LMS adds an activity or an assignment.",
    ),
}

# Errors of HTTP requests (URL, method, size), of the database, and bugs.
_HTTP = {
    Reason.REQUEST_TOO_LARGE: Rejection(
        413,
        "This request is too large",
        "It carries more than any launch or form of this bridge does.",
        ADMIN,
        "Find out what makes the LMS's message so large: a custom parameter, or very many roles.",
    ),
    Reason.PAGE_UNKNOWN: Rejection(
        404,
        "There is no such page",
        "The address is misspelt, or belongs to a page that is gone.",
        LEARNER,
        "Open the activity from your course page.",
    ),
    Reason.WRONG_METHOD: Rejection(
        405,
        "This address takes another kind of request",
        "It answers to a button or to your LMS, not to its address typed by hand or reloaded.",
        LEARNER,
        _RELOAD,
    ),
    Reason.REQUEST_UNREADABLE: Rejection(
        400,
        "This request cannot be read",
        "What your browser or LMS sent is malformed.",
        LEARNER,
        _AGAIN,
    ),
    Reason.DATABASE_AWAY: Rejection(
        503,
        "This bridge cannot reach its database",
        "It may just be starting again. Nothing is lost.",
        LEARNER,
        "Try again in a minute.",
        more=_TELL,
    ),
    Reason.OUR_MISTAKE: Rejection(
        500,
        "Something went wrong in this bridge",
        "It met something that it was not made for. Its log has the details under the reference "
        "below.",
        OPERATOR,
        "Look up the reference in the log and report it to the makers of LTI Bridge.",
    ),
}

REJECTIONS: dict[Reason, Rejection] = {**_HTTP, **_LOGIN, **_TOKEN, **_REGISTRATION, **_PICKING}


def get_rejection(reason: str) -> Rejection:
    """Return the error page of a reason, given as a member or text; raises ValueError."""
    return REJECTIONS[Reason(reason)]
