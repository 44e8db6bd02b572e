// The SCORM 2004 run-time: the object `API_1484_11` that a course looks for.
"use strict";

var PracticeScorm2004 = (function () {
  var P = PracticeModel;
  var IDENTIFIER = P.pattern(/^\S+$/);
  var TIMESPAN = P.pattern(
    /^P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,2})?S)?)?$/);
  var ZONE = "(Z|[+-]([01]\\d|2[0-3])(:[0-5]\\d)?)?";
  var TIME = P.pattern(new RegExp("^(19[7-9]\\d|20[0-2]\\d|203[0-8])(-(0[1-9]|1[0-2])" +
    "(-(0[1-9]|[12]\\d|3[01])(T([01]\\d|2[0-3])(:[0-5]\\d(:[0-5]\\d(\\.\\d{1,2})?)?)?" + ZONE +
    ")?)?)?$"));
  var LANGUAGE = P.pattern(/^$|^([a-zA-Z]{2,3}|[ix])(-[a-zA-Z0-9]{2,8})*$/);
  var NUMBER = P.decimal(null, null);
  var SCALED = P.decimal(-1, 1);
  var SUCCESS = P.oneOf("passed", "failed", "unknown");
  var COMPLETION = P.oneOf("completed", "incomplete", "not attempted", "unknown");

  // Learner responses, and after the slash the patterns of what is correct, by interaction type.
  var ID = /^(?!.*\[[,.:]\])\S+$/;
  var SAID = /^(\{lang=([a-zA-Z]{2,3}|[ix])(-[a-zA-Z0-9]{2,8})*\})?(?!\{lang=)[^]*$/;
  var MATTERS = /^(\{(case|order)_matters=(true|false)\}){0,2}/;

  function isId(value) { return ID.test(value); }
  function isSaid(value) { return SAID.test(value); }
  function isPair(value) { return /^\S+\[\.\]\S+$/.test(value); }
  function isStep(value) { return /^\S*\[\.\][^]*$/.test(value) && value !== "[.]"; }

  function withoutMatters(check) {
    return function (value) { return check(value.replace(MATTERS, "")); };
  }

  function range(value) {
    var ends = value.split("[:]");
    var wrong = ends.length !== 2 || ends.some(function (end) { return end && NUMBER(end) !== ""; });
    return wrong || (ends[0] && ends[1] && Number(ends[0]) > Number(ends[1])) ? "type" : "";
  }

  function all(check) { return { response: check, pattern: check }; }

  var TRUTH = P.oneOf("true", "false");
  var IDS = P.listOf(isId);
  var TYPES = {
    "true-false": all(TRUTH),
    "choice": all(IDS),
    "fill-in": { response: P.listOf(isSaid), pattern: withoutMatters(P.listOf(isSaid)) },
    "long-fill-in": { response: P.pattern(SAID), pattern: withoutMatters(P.pattern(SAID)) },
    "matching": all(P.listOf(isPair)),
    "performance": { response: P.listOf(isStep), pattern: withoutMatters(P.listOf(isStep)) },
    "sequencing": all(IDS),
    "likert": all(P.pattern(ID)),
    "numeric": { response: NUMBER, pattern: range },
    "other": all(P.text)
  };
  var ONE_PATTERN = ["true-false", "likert", "numeric", "other"];

  function read(start) { return { access: "r", start: start }; }
  function both(check, start) { return { access: "rw", check: check, start: start }; }
  function write(check) { return { access: "w", check: check }; }

  var TABLE = {
    "cmi._version": read("1.0"),
    "cmi.comments_from_learner._children": read("comment,location,timestamp"),
    "cmi.comments_from_learner._count": read("0"),
    "cmi.comments_from_learner.n.comment": both(P.text),
    "cmi.comments_from_learner.n.location": both(P.text),
    "cmi.comments_from_learner.n.timestamp": both(TIME),
    "cmi.comments_from_lms._children": read("comment,location,timestamp"),
    "cmi.comments_from_lms._count": read("0"),
    "cmi.comments_from_lms.n.comment": read(),
    "cmi.comments_from_lms.n.location": read(),
    "cmi.comments_from_lms.n.timestamp": read(),
    "cmi.completion_status": both(COMPLETION, "unknown"),
    "cmi.completion_threshold": read(),
    "cmi.credit": read("credit"),
    "cmi.entry": read(""),
    "cmi.exit": write(P.oneOf("time-out", "suspend", "logout", "normal", "")),
    "cmi.interactions._children": read("id,type,objectives,timestamp,correct_responses," +
      "weighting,learner_response,result,latency,description"),
    "cmi.interactions._count": read("0"),
    "cmi.interactions.n.id": both(IDENTIFIER),
    "cmi.interactions.n.type": both(P.oneOf.apply(null, Object.keys(TYPES))),
    "cmi.interactions.n.objectives._count": read("0"),
    "cmi.interactions.n.objectives.n.id": both(IDENTIFIER),
    "cmi.interactions.n.timestamp": both(TIME),
    "cmi.interactions.n.correct_responses._count": read("0"),
    "cmi.interactions.n.correct_responses.n.pattern": both(P.text),
    "cmi.interactions.n.weighting": both(NUMBER),
    "cmi.interactions.n.learner_response": both(P.text),
    "cmi.interactions.n.result": both(P.either(P.oneOf("correct", "incorrect", "unanticipated",
      "neutral"), NUMBER)),
    "cmi.interactions.n.latency": both(TIMESPAN),
    "cmi.interactions.n.description": both(P.text),
    "cmi.launch_data": read(),
    "cmi.learner_id": read(""),
    "cmi.learner_name": read(""),
    "cmi.learner_preference._children": read(
      "audio_level,language,delivery_speed,audio_captioning"),
    "cmi.learner_preference.audio_level": both(P.decimal(0, null), "1"),
    "cmi.learner_preference.language": both(LANGUAGE, ""),
    "cmi.learner_preference.delivery_speed": both(P.decimal(0, null), "1"),
    "cmi.learner_preference.audio_captioning": both(P.oneOf("-1", "0", "1"), "0"),
    "cmi.location": both(P.text),
    "cmi.max_time_allowed": read(),
    "cmi.mode": read("normal"),
    "cmi.objectives._children": read(
      "id,score,success_status,completion_status,progress_measure,description"),
    "cmi.objectives._count": read("0"),
    "cmi.objectives.n.id": both(IDENTIFIER),
    "cmi.objectives.n.score._children": read("scaled,raw,min,max"),
    "cmi.objectives.n.score.scaled": both(SCALED),
    "cmi.objectives.n.score.raw": both(NUMBER),
    "cmi.objectives.n.score.min": both(NUMBER),
    "cmi.objectives.n.score.max": both(NUMBER),
    "cmi.objectives.n.success_status": both(SUCCESS, "unknown"),
    "cmi.objectives.n.completion_status": both(COMPLETION, "unknown"),
    "cmi.objectives.n.progress_measure": both(P.decimal(0, 1)),
    "cmi.objectives.n.description": both(P.text),
    "cmi.progress_measure": both(P.decimal(0, 1)),
    "cmi.scaled_passing_score": read(),
    "cmi.score._children": read("scaled,raw,min,max"),
    "cmi.score.scaled": both(SCALED),
    "cmi.score.raw": both(NUMBER),
    "cmi.score.min": both(NUMBER),
    "cmi.score.max": both(NUMBER),
    "cmi.session_time": write(TIMESPAN),
    "cmi.success_status": both(SUCCESS, "unknown"),
    "cmi.suspend_data": both(P.text),
    "cmi.time_limit_action": read("continue,no message"),
    "cmi.total_time": read("PT0H0M0S"),
    "adl.data._children": read("id,store"),
    "adl.data._count": read("0"),
    "adl.data.n.id": read(),
    "adl.data.n.store": both(P.text),
    "adl.nav.request": both(P.pattern(
      /^(_none_|continue|previous|exit|exitAll|abandon|abandonAll|suspendAll|\{target=[^}]+\}(choice|jump))$/),
    "_none_"),
    "adl.nav.request_valid.continue": read("false"),
    "adl.nav.request_valid.previous": read("false")
  };

  var ERRORS = {
    "0": "No Error",
    "101": "General Exception",
    "102": "General Initialization Failure",
    "103": "Already Initialized",
    "104": "Content Instance Terminated",
    "111": "General Termination Failure",
    "112": "Termination Before Initialization",
    "113": "Termination After Termination",
    "122": "Retrieve Data Before Initialization",
    "123": "Retrieve Data After Termination",
    "132": "Store Data Before Initialization",
    "133": "Store Data After Termination",
    "142": "Commit Before Initialization",
    "143": "Commit After Termination",
    "201": "General Argument Error",
    "301": "General Get Failure",
    "351": "General Set Failure",
    "391": "General Commit Failure",
    "401": "Undefined Data Model Element",
    "402": "Unimplemented Data Model Element",
    "403": "Data Model Element Value Not Initialized",
    "404": "Data Model Element Is Read Only",
    "405": "Data Model Element Is Write Only",
    "406": "Data Model Element Type Mismatch",
    "407": "Data Model Element Value Out Of Range",
    "408": "Data Model Dependency Not Established"
  };

  function startValues(start) {
    var sco = start.sco;
    var values = {
      "cmi.learner_id": start.learner_id,
      "cmi.learner_name": start.learner_name,
      "cmi.credit": start.credit,
      "cmi.mode": start.mode,
      "cmi.entry": start.entry,
      "cmi.total_time": start.total_time,
      "adl.nav.request_valid.continue": String(Boolean(start.menu && start.menu.next)),
      "adl.nav.request_valid.previous": String(Boolean(start.menu && start.menu.previous))
    };
    if (sco.launch_data) { values["cmi.launch_data"] = sco.launch_data; }
    if (sco.max_time) { values["cmi.max_time_allowed"] = sco.max_time; }
    if (sco.time_limit_action) { values["cmi.time_limit_action"] = sco.time_limit_action; }
    if (sco.completion_threshold !== null) {
      values["cmi.completion_threshold"] = String(sco.completion_threshold);
    }
    if (sco.scaled_passing_score !== null) {
      values["cmi.scaled_passing_score"] = String(sco.scaled_passing_score);
    }
    return values;
  }

  // `hooks` has committed(), called by Commit, finished(), called by Terminate, documents(), the
  // pages that the course shows, and again(), called when one of them begins anew.
  function create(start, hooks) {
    var model = new P.Model(TABLE, startValues(start), start.data);
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

    function keywordError(path) {
      var parent = path.slice(0, path.lastIndexOf("."));
      var known = model.find(parent) || model.find(parent + "._children");
      return known && /\._(children|count|version)$/.test(path) ? "301" : "401";
    }

    function mayOpen(identifier) {
      var items = (start.menu ? start.menu.items : []).filter(function (item) {
        return item.id === identifier;
      });
      return items.length ? String(items[0].choice) : "unknown";
    }

    function computed(path) {
      var value = model.read(path);
      var starts = model.starts;
      if (path === "cmi.completion_status" && starts["cmi.completion_threshold"] !== undefined) {
        var progress = model.read("cmi.progress_measure");
        if (progress === null) { return value; }
        return Number(progress) >= Number(starts["cmi.completion_threshold"])
          ? "completed" : "incomplete";
      }
      if (path === "cmi.success_status" && starts["cmi.scaled_passing_score"] !== undefined) {
        var scaled = model.read("cmi.score.scaled");
        if (scaled === null) { return "unknown"; }
        return Number(scaled) >= Number(starts["cmi.scaled_passing_score"]) ? "passed" : "failed";
      }
      return value;
    }

    function getValue(path) {
      path = String(path);
      if (state === "waiting") { return fail("122", "", ""); }
      if (state === "terminated") { return fail("123", "", ""); }
      if (path === "") { return fail("301", "An element name is needed.", ""); }
      var target = /^adl\.nav\.request_valid\.(?:choice|jump)\.\{target=([^}]*)\}$/.exec(path);
      if (target) { return ok(mayOpen(target[1])); }
      var element = model.find(path);
      if (!element) { return fail(keywordError(path), path, ""); }
      if (element.access === "w") { return fail("405", path, ""); }
      if (model.gap(path, false) !== null) { return fail("301", path + " does not exist.", ""); }
      if (/\._count$/.test(path)) { return ok(String(model.count(path.replace(/\._count$/, "")))); }
      var value = computed(path);
      return value === null ? fail("403", path, "") : ok(value);
    }

    function dependency(path) {
      var inside = /^(cmi\.(?:objectives|interactions)\.\d+)\.(.+)$/.exec(path);
      return inside && inside[2] !== "id" && model.read(inside[1] + ".id") === null;
    }

    // What must not be there twice: objectives of an interaction, and its patterns.
    function twice(path, value) {
      var own = /^(cmi\.interactions\.\d+)\.(objectives|correct_responses)\.(\d+)\.(id|pattern)$/
        .exec(path);
      if (!own) { return ""; }
      if (own[4] === "pattern" && own[3] !== "0" &&
          ONE_PATTERN.indexOf(model.read(own[1] + ".type")) >= 0) {
        return "This type of interaction has one pattern.";
      }
      var members = own[1] + "." + own[2];
      for (var at = 0; at < model.count(members); at += 1) {
        if (at !== Number(own[3]) && model.read(members + "." + at + "." + own[4]) === value) {
          return "This is there already.";
        }
      }
      return "";
    }

    function identifierTrouble(path, value) {
      var own = /^cmi\.objectives\.(\d+)\.id$/.exec(path);
      if (!own) { return ""; }
      var before = model.read(path);
      if (before !== null && before !== value) { return "An objective keeps its id."; }
      for (var at = 0; at < model.count("cmi.objectives"); at += 1) {
        if (at !== Number(own[1]) && model.read("cmi.objectives." + at + ".id") === value) {
          return "Another objective has this id.";
        }
      }
      return "";
    }

    function setValue(path, value) {
      path = String(path);
      value = value === undefined || value === null ? "" : String(value);
      if (state === "waiting") { return fail("132", "", "false"); }
      if (state === "terminated") { return fail("133", "", "false"); }
      if (path === "") { return fail("351", "An element name is needed.", "false"); }
      var element = model.find(path);
      if (!element) {
        return fail(keywordError(path) === "301" ? "404" : "401", path, "false");
      }
      if (element.access === "r") { return fail("404", path, "false"); }
      if (model.gap(path, path.indexOf("adl.data.") !== 0) !== null) {
        return fail("351", "Indexes count up from 0 without gaps.", "false");
      }
      if (dependency(path)) { return fail("408", "The id comes first.", "false"); }
      var answer = /^(cmi\.interactions\.\d+)\.(?:learner_(response)|correct_responses\.\d+\.(pattern))$/
        .exec(path);
      var type = answer ? model.read(answer[1] + ".type") : "";
      if (type === null) { return fail("408", "The type comes first.", "false"); }
      var trouble = answer ? TYPES[type][answer[2] || answer[3]](value) : element.check(value);
      if (trouble !== "") { return fail(trouble === "range" ? "407" : "406", path, "false"); }
      var identifier = identifierTrouble(path, value) || twice(path, value);
      if (identifier) { return fail("351", identifier, "false"); }
      model.write(path, value);
      return ok("true");
    }

    var API = {
      Initialize: function (argument) {
        if (argument !== "") { return fail("201", "The argument is an empty string.", "false"); }
        if (state !== "waiting") {
          if (!pages.changed(state === "terminated")) {
            return fail(state === "running" ? "103" : "104", "", "false");
          }
          model.again("cmi.exit", "cmi.entry", ["cmi.exit", "cmi.session_time", "adl.nav.request"]);
          hooks.again();
        }
        state = "running";
        pages.remember();
        return ok("true");
      },
      Terminate: function (argument) {
        if (argument !== "") { return fail("201", "The argument is an empty string.", "false"); }
        if (state === "waiting") { return fail("112", "", "false"); }
        if (state === "terminated") { return fail("113", "", "false"); }
        state = "terminated";
        pages.remember();
        hooks.finished();
        return ok("true");
      },
      GetValue: getValue,
      SetValue: setValue,
      Commit: function (argument) {
        if (argument !== "") { return fail("201", "The argument is an empty string.", "false"); }
        if (state === "waiting") { return fail("142", "", "false"); }
        if (state === "terminated") { return fail("143", "", "false"); }
        hooks.committed();
        return ok("true");
      },
      GetLastError: function () { return error; },
      GetErrorString: function (code) { return ERRORS[String(code)] || ""; },
      GetDiagnostic: function (code) {
        var about = code === undefined || code === "" ? error : String(code);
        return about === error && detail ? detail : ERRORS[about] || "";
      }
    };

    return {
      api: API,
      name: "API_1484_11",
      values: function () {
        var values = Object.assign({}, model.values);
        delete values["adl.nav.request"];
        return values;
      },
      state: function () { return state === "terminated" ? "finished" : state; },
      request: function () { return model.read("adl.nav.request"); }
    };
  }

  return { create: create };
}());
