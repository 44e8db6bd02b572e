"""Texts of the sample courses: short lessons with four questions each."""

from typing import Any

FIRE_SAFETY: dict[str, Any] = {
    "title": "Fire safety at work",
    "lead": "Three minutes that are worth having before you need them.",
    "sections": [
        {
            "heading": "Know two ways out",
            "paragraphs": [
                "Smoke can make the way you came in unusable within a minute. Look up the two "
                "nearest exits from the place where you work, and walk both of them once.",
                "Leave corridors and doors free. A fire door that is wedged open lets smoke "
                "through as if it were not there.",
            ],
        },
        {
            "heading": "When you find a fire",
            "list": [
                "Raise the alarm first: press the nearest call point and shout.",
                "Call the fire service. Say where you are, what burns and who is missing.",
                "Fight it only if it is small, your way out is behind you and you have been shown "
                "how to use the extinguisher.",
            ],
        },
        {
            "heading": "On the way out",
            "paragraphs": [
                "Use the stairs, never the lift. Close doors behind you. Go to the assembly "
                "point and stay there until you have been counted, so that nobody goes back in "
                "to look for you.",
            ],
        },
    ],
    "questions": [
        {
            "id": "first-action",
            "text": "You open a storeroom and see flames. What do you do first?",
            "options": [
                "Raise the alarm",
                "Fetch your things",
                "Open a window to let the smoke out",
            ],
            "correct": 0,
        },
        {
            "id": "fire-door",
            "text": "A colleague has wedged a fire door open because it is warm. What is right?",
            "options": [
                "It may stay open while somebody is in the room",
                "Close it: an open fire door holds back nothing",
                "It may stay open if there is an extinguisher nearby",
            ],
            "correct": 1,
        },
        {
            "id": "way-down",
            "text": "The alarm sounds and you are on the fifth floor. How do you get down?",
            "options": [
                "By the lift, it is quicker",
                "By the stairs",
                "You wait in the lift lobby",
            ],
            "correct": 1,
        },
        {
            "id": "assembly-point",
            "text": "Why do you stay at the assembly point until you have been counted?",
            "options": [
                "So that the building can be locked",
                "So that you may go home early",
                "So that nobody goes back in to look for you",
            ],
            "correct": 2,
        },
    ],
}

DATA_PROTECTION: dict[str, Any] = {
    "title": "Data protection basics",
    "lead": "Other people's data are lent to us. This is how we look after them.",
    "sections": [
        {
            "heading": "What counts as personal data",
            "paragraphs": [
                "Anything that points to a living person: a name or an address, but also a "
                "learner number, a photograph or a list of test results. If two facts together "
                "tell you who it is, both are personal data.",
            ],
        },
        {
            "heading": "Four habits",
            "list": [
                "Collect only what you need for a purpose that you can name.",
                "Keep it no longer than that purpose lasts.",
                "Share it only with people who need it for their work.",
                "Lock your screen when you leave your desk, even for a moment.",
            ],
        },
        {
            "heading": "When something goes wrong",
            "paragraphs": [
                "A lost laptop, an e-mail to the wrong list, a folder that everybody can read: "
                "report it at once, also when it was your own mistake. Early reports protect "
                "people; the clock for telling the authority starts when anyone here knows.",
            ],
        },
    ],
    "questions": [
        {
            "id": "personal-data",
            "text": "Which of these is personal data?",
            "options": [
                "The number of visitors last year",
                "A list of learner numbers with test results",
                "The opening hours of the library",
            ],
            "correct": 1,
        },
        {
            "id": "collecting",
            "text": "You plan a workshop and write the sign-up form. What do you ask for?",
            "options": [
                "Everything that may be useful one day",
                "Name, address and date of birth, as always",
                "Only what you need to run the workshop",
            ],
            "correct": 2,
        },
        {
            "id": "wrong-recipient",
            "text": "You have sent a class list to the wrong person. What now?",
            "options": [
                "Report it at once",
                "Ask them to delete it and tell nobody",
                "Wait and see whether somebody complains",
            ],
            "correct": 0,
        },
        {
            "id": "screen",
            "text": "You fetch a coffee and will be back in a minute. What about your screen?",
            "options": ["Lock it", "Dim it", "Leave it, it is only a minute"],
            "correct": 0,
        },
    ],
}

# Three SCOs: two to read, then the quiz that decides.
FIRE_SAFETY_STEPS: dict[str, Any] = {
    "title": "Fire safety step by step",
    "parts": [
        {
            "title": "Before a fire",
            "lead": "Look around you while there is time.",
            "sections": FIRE_SAFETY["sections"][:1],
        },
        {
            "title": "Raise the alarm",
            "lead": "The alarm comes first, the extinguisher later or not at all.",
            "sections": FIRE_SAFETY["sections"][1:2],
        },
        {
            "title": "Getting out, and the quiz",
            "lead": "The last step, and four questions about all three.",
            "sections": FIRE_SAFETY["sections"][2:],
            "questions": FIRE_SAFETY["questions"],
        },
    ],
}
