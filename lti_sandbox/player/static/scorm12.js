// The SCORM 1.2 run-time: the object `API` that a course looks for.
"use strict";

var PracticeScorm12 = (function () {
  var P = PracticeModel;
  var IDENTIFIER = P.pattern(/^\S+$/);
  var TIMESPAN = P.pattern(/^\d{2,4}:\d{2}:\d{2}(\.\d{1,2})?$/);
  var TIME = P.pattern(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,2})?$/);
  var SCORE = P.either(P.oneOf(""), P.decimal(0, 100));
  var STATUS = P.oneOf("passed", "completed", "failed", "incomplete", "browsed");

  function read(start) { return { access: "r", start: start }; }
  function both(check, start) { return { access: "rw", check: check, start: start }; }
  function write(check) { return { access: "w", check: check }; }

  var TABLE = {
    "cmi.core._children": read("student_id,student_name,lesson_location,credit,lesson_status," +
      "entry,score,total_time,lesson_mode,exit,session_time"),
    "cmi.core.student_id": read(""),
    "cmi.core.student_name": read(""),
    "cmi.core.lesson_location": both(P.text, ""),
    "cmi.core.credit": read("credit"),
    "cmi.core.lesson_status": both(STATUS, "not attempted"),
    "cmi.core.entry": read(""),
    "cmi.core.score._children": read("raw,min,max"),
    "cmi.core.score.raw": both(SCORE, ""),
    "cmi.core.score.min": both(SCORE, ""),
    "cmi.core.score.max": both(SCORE, ""),
    "cmi.core.total_time": read("0000:00:00"),
    "cmi.core.lesson_mode": read("normal"),
    "cmi.core.exit": write(P.oneOf("time-out", "suspend", "logout", "")),
    "cmi.core.session_time": write(TIMESPAN),
    "cmi.suspend_data": both(P.text, ""),
    "cmi.launch_data": read(""),
    "cmi.comments": both(P.text, ""),
    "cmi.comments_from_lms": read(""),
    "cmi.objectives._children": read("id,score,status"),
    "cmi.objectives._count": read("0"),
    "cmi.objectives.n.id": both(IDENTIFIER, ""),
    "cmi.objectives.n.score._children": read("raw,min,max"),
    "cmi.objectives.n.score.raw": both(SCORE, ""),
    "cmi.objectives.n.score.min": both(SCORE, ""),
    "cmi.objectives.n.score.max": both(SCORE, ""),
    "cmi.objectives.n.status": both(P.either(STATUS, P.oneOf("not attempted")), ""),
    "cmi.student_data._children": read("mastery_score,max_time_allowed,time_limit_action"),
    "cmi.student_data.mastery_score": read(""),
    "cmi.student_data.max_time_allowed": read(""),
    "cmi.student_data.time_limit_action": read(""),
    "cmi.student_preference._children": read("audio,language,speed,text"),
    "cmi.student_preference.audio": both(P.whole(-1, 100), "0"),
    "cmi.student_preference.language": both(P.text, ""),
    "cmi.student_preference.speed": both(P.whole(-100, 100), "0"),
    "cmi.student_preference.text": both(P.whole(-1, 1), "0"),
    "cmi.interactions._children": read("id,objectives,time,type,correct_responses,weighting," +
      "student_response,result,latency"),
    "cmi.interactions._count": read("0"),
    "cmi.interactions.n.id": write(IDENTIFIER),
    "cmi.interactions.n.objectives._count": read("0"),
    "cmi.interactions.n.objectives.n.id": write(IDENTIFIER),
    "cmi.interactions.n.time": write(TIME),
    "cmi.interactions.n.type": write(P.oneOf("true-false", "choice", "fill-in", "matching",
      "performance", "likert", "sequencing", "numeric")),
    "cmi.interactions.n.correct_responses._count": read("0"),
    "cmi.interactions.n.correct_responses.n.pattern": write(P.text),
    "cmi.interactions.n.weighting": write(P.decimal(null, null)),
    "cmi.interactions.n.student_response": write(P.text),
    "cmi.interactions.n.result": write(P.either(P.oneOf("correct", "wrong", "unanticipated",
      "neutral"), P.decimal(null, null))),
    "cmi.interactions.n.latency": write(TIMESPAN)
  };

  var ERRORS = {
    "0": "No error",
    "101": "General exception",
    "201": "Invalid argument error",
    "202": "Element cannot have children",
    "203": "Element not an array. Cannot have count",
    "301": "Not initialized",
    "401": "Not implemented error",
    "402": "Invalid set value, element is a keyword",
    "403": "Element is read only",
    "404": "Element is write only",
    "405": "Incorrect Data Type"
  };

  function startValues(start) {
    var sco = start.sco;
    return {
      "cmi.core.student_id": start.learner_id,
      "cmi.core.student_name": start.learner_name,
      "cmi.core.credit": start.credit,
      "cmi.core.lesson_mode": start.mode,
      "cmi.core.lesson_status": start.status || "not attempted",
      "cmi.core.entry": start.entry,
      "cmi.core.total_time": start.total_time,
      "cmi.launch_data": sco.launch_data || "",
      "cmi.student_data.mastery_score": sco.mastery_score === null ? "" : String(sco.mastery_score),
      "cmi.student_data.max_time_allowed": sco.max_time || "",
      "cmi.student_data.time_limit_action": sco.time_limit_action || ""
    };
  }

  // `hooks` has committed(), called by LMSCommit, finished(), called by LMSFinish, documents(), the
  // pages that the course shows, and again(), called when one of them begins anew.
  function create(start, hooks) {
    var data = {};
    Object.keys(start.data).forEach(function (path) {
      // Interactions are a journal that the course cannot read: each session begins its own.
      if (path.indexOf("cmi.interactions.") !== 0) { data[path] = start.data[path]; }
    });
    var model = new P.Model(TABLE, startValues(start), data);
    var pages = new P.Pages(hooks.documents);
    var state = "waiting";
    var error = "0";
    var detail = "";

    function fail(code, why, answer) {
      error = code;
      detail = why || "";
      return answer;
    }

    function ok(answer) { return fail("0", "", answer); }

    function unknown(path, forReading) {
      var last = path.slice(path.lastIndexOf(".") + 1);
      var parent = path.slice(0, path.lastIndexOf("."));
      var known = model.find(parent) || model.find(parent + "._children");
      if (known && last === "_children") { return "202"; }
      if (known && last === "_count") { return "203"; }
      return forReading && !/^cmi\./.test(path) ? "201" : "401";
    }

    function getValue(path) {
      path = String(path);
      if (state !== "running") { return fail("301", "", ""); }
      if (path === "") { return fail("201", "An element name is needed.", ""); }
      var element = model.find(path);
      if (!element) { return fail(unknown(path, true), path, ""); }
      if (element.access === "w") { return fail("404", path, ""); }
      if (model.gap(path, false) !== null) { return fail("201", path + " does not exist.", ""); }
      if (/\._count$/.test(path)) { return ok(String(model.count(path.replace(/\._count$/, "")))); }
      var value = model.read(path);
      return ok(value === null ? "" : value);
    }

    function setValue(path, value) {
      path = String(path);
      value = value === undefined || value === null ? "" : String(value);
      if (state !== "running") { return fail("301", "", "false"); }
      if (path === "") { return fail("201", "An element name is needed.", "false"); }
      var element = model.find(path);
      if (!element) {
        var code = /\._(children|count|version)$/.test(path) ? "402" : unknown(path, false);
        return fail(code, path, "false");
      }
      if (/\._(children|count)$/.test(path)) { return fail("402", path, "false"); }
      if (element.access === "r") { return fail("403", path, "false"); }
      if (model.gap(path, true) !== null) {
        return fail("201", "Indexes count up from 0 without gaps.", "false");
      }
      if (element.check(value) !== "") { return fail("405", path, "false"); }
      // The comments of a learner are a log: each one is added to what is there.
      if (path === "cmi.comments") { value = model.read(path) + value; }
      model.write(path, value);
      return ok("true");
    }

    var API = {
      LMSInitialize: function (argument) {
        if (argument !== "") { return fail("201", "The argument is an empty string.", "false"); }
        if (state !== "waiting") {
          if (!pages.changed(state === "finished")) {
            return fail("101", "Already initialized or finished.", "false");
          }
          model.again("cmi.core.exit", "cmi.core.entry", ["cmi.core.exit", "cmi.core.session_time"]);
          hooks.again();
        }
        state = "running";
        pages.remember();
        return ok("true");
      },
      LMSFinish: function (argument) {
        if (argument !== "") { return fail("201", "The argument is an empty string.", "false"); }
        if (state !== "running") { return fail("301", "", "false"); }
        state = "finished";
        pages.remember();
        hooks.finished();
        return ok("true");
      },
      LMSGetValue: getValue,
      LMSSetValue: setValue,
      LMSCommit: function (argument) {
        if (argument !== "") { return fail("201", "The argument is an empty string.", "false"); }
        if (state !== "running") { return fail("301", "", "false"); }
        hooks.committed();
        return ok("true");
      },
      LMSGetLastError: function () { return error; },
      LMSGetErrorString: function (code) { return ERRORS[String(code)] || ""; },
      LMSGetDiagnostic: function (code) {
        var about = code === undefined || code === "" ? error : String(code);
        return about === error && detail ? detail : ERRORS[about] || "";
      }
    };

    return {
      api: API,
      name: "API",
      values: function () { return Object.assign({}, model.values); },
      state: function () { return state; },
      request: function () { return "_none_"; }
    };
  }

  return { create: create };
}());
