// How the course reports: the same few words for SCORM 1.2 and SCORM 2004.
"use strict";

var Reporting = (function () {
  var old = COURSE.standard === "1.2";
  var began = Date.now();
  var NAMES = old ? {
    location: "cmi.core.lesson_location",
    status: "cmi.core.lesson_status",
    exit: "cmi.core.exit",
    time: "cmi.core.session_time",
    score: "cmi.core.score.",
    response: "student_response"
  } : {
    location: "cmi.location",
    status: "cmi.completion_status",
    exit: "cmi.exit",
    time: "cmi.session_time",
    score: "cmi.score.",
    response: "learner_response"
  };

  // The LMS puts the API on a frame around ours, or on the window that opened us.
  function search(from) {
    var name = old ? "API" : "API_1484_11";
    for (var depth = 0; from && depth < 20; depth += 1) {
      try {
        if (from[name]) { return from[name]; }
      } catch (refused) {
        return null;
      }
      if (from.parent === from) { return null; }
      from = from.parent;
    }
    return null;
  }

  var api = search(window) || (window.opener ? search(window.opener) : null);
  var open = false;

  function call(name, first, second) {
    if (!api) { return ""; }
    var method = api[old ? "LMS" + name : { Finish: "Terminate" }[name] || name];
    return arguments.length === 3 ? method.call(api, first, second) : method.call(api, first);
  }

  function get(element) { return open ? call("GetValue", element) : ""; }
  function set(element, value) { if (open) { call("SetValue", element, String(value)); } }

  function two(number) { return (number < 10 ? "0" : "") + number; }

  function sessionTime() {
    var seconds = Math.round((Date.now() - began) / 1000);
    var hours = Math.floor(seconds / 3600);
    var minutes = Math.floor(seconds / 60) % 60;
    return old
      ? "00" + two(Math.min(hours, 99)) + ":" + two(minutes) + ":" + two(seconds % 60)
      : "PT" + hours + "H" + minutes + "M" + (seconds % 60) + "S";
  }

  function start() {
    open = call("Initialize", "") === "true";
    // Not every kind tells its status: see `reports` in content.js.
    if (open && COURSE.reports !== "success" && COURSE.reports !== "score") {
      var status = get(NAMES.status);
      if (status === "not attempted" || status === "unknown") { set(NAMES.status, "incomplete"); }
    }
    return open;
  }

  function remembered() {
    try {
      var state = JSON.parse(get("cmi.suspend_data") || "{}");
      state.location = get(NAMES.location) || "lesson";
      return state;
    } catch (unreadable) {
      return { location: "lesson" };
    }
  }

  function remember(location, state) {
    set(NAMES.location, location);
    set("cmi.suspend_data", JSON.stringify(state));
    save();
  }

  function save() {
    set(NAMES.time, sessionTime());
    set(NAMES.exit, "suspend");
    if (open) { call("Commit", ""); }
  }

  function completed() {
    if (old) {
      var status = get(NAMES.status);
      if (status === "passed" || status === "failed") { return; }
    }
    set(NAMES.status, "completed");
    save();
  }

  // `answers` is a list of {id, chosen, correct} with option numbers; `percent` is 0 to 100.
  function quizDone(answers, percent, passed) {
    answers.forEach(function (answer) {
      var item = "cmi.interactions." + get("cmi.interactions._count") + ".";
      set(item + "id", COURSE_ID(answer.id));
      set(item + "type", "choice");
      set(item + NAMES.response, old ? letter(answer.chosen) : "option" + answer.chosen);
      set(item + "result", answer.chosen === answer.correct ? "correct" : old ? "wrong" : "incorrect");
    });
    if (COURSE.reports !== "success") { score(percent); }
    status(passed);
    save();
  }

  function COURSE_ID(id) { return "question-" + id; }
  function letter(number) { return "abcdefgh".charAt(number); }

  function score(percent) {
    set(NAMES.score + "min", 0);
    set(NAMES.score + "max", 100);
    set(NAMES.score + "raw", percent);
    if (!old) { set(NAMES.score + "scaled", percent / 100); }
  }

  function status(passed) {
    if (COURSE.reports === "score") { return; }
    if (COURSE.reports === "early") { set(NAMES.status, "completed"); return; }
    if (old) { set(NAMES.status, passed ? "passed" : "failed"); return; }
    if (COURSE.reports !== "success") { set(NAMES.status, "completed"); }
    set("cmi.success_status", passed ? "passed" : "failed");
  }

  function finish() {
    if (!open) { return; }
    save();
    open = false;
    call("Finish", "");
  }

  window.addEventListener("pagehide", finish);
  return {
    start: start, remembered: remembered, remember: remember, completed: completed,
    quizDone: quizDone, finish: finish
  };
}());
