// The player: frames the course, keeps its data safe, and leads the learner on and away.
"use strict";

(function () {
  var start = JSON.parse(document.getElementById("start").textContent);
  var view = start;
  var frame = document.getElementById("sco");
  var button = document.getElementById("exit");
  var saved = document.getElementById("saved");
  var notice = document.getElementById("notice");
  var sequence = start.sequence;
  var lastSent = "";
  var unsaved = false;
  var navigation = "";
  var leaving = false;
  var gone = false;
  var closing = false;
  var runtime, run, began;
  // A beacon or a keepalive fetch carries at most 64 KB.
  var BEACON_LIMIT = 60000;
  var UNLOAD_WAIT = 3000;
  var RETRY_WAIT = 3000;
  var EXITS = ["exitAll", "abandonAll", "suspendAll"].concat(start.several ? [] : ["exit", "abandon"]);

  // Every document that the course shows now, in frames within frames too.
  function documents() {
    var found = [];
    (function look(of) {
      try {
        found.push(of.document);
        for (var at = 0; at < of.frames.length; at += 1) { look(of.frames[at]); }
      } catch (elsewhere) { return; }
    }(frame.contentWindow));
    return found;
  }

  // Each activity has a run-time of its own; so has each page of a SCO that begins anew.
  function begin() {
    run = sequence + 1;
    began = Date.now();
    lastSent = "";
    navigation = "";
    ["API", "API_1484_11"].forEach(function (name) { delete window[name]; });
    runtime = null;
    frame.hidden = !view.sco;
    notice.hidden = Boolean(view.sco) && !view.sentence;
    notice.textContent = view.sentence;
    if (!view.sco) { frame.src = "about:blank"; return; }
    if (view.sco.kind === "SCO") {
      runtime = (view.standard === "SCORM12" ? PracticeScorm12 : PracticeScorm2004)
        .create(view, { committed: committed, finished: finished, documents: documents, again: again });
      window[runtime.name] = runtime.api;
    }
    frame.src = view.content_url;
  }

  function again() {
    run = sequence + 1;
    began = Date.now();
  }

  function message(exit) {
    sequence += 1;
    return JSON.stringify({
      sequence: sequence,
      run: run,
      activity: view.activity,
      cmi: runtime ? runtime.values() : {},
      initialized: Boolean(runtime) && runtime.state() !== "waiting",
      finished: Boolean(runtime) && runtime.state() === "finished",
      navigation: navigation,
      exit: exit,
      seconds: Math.round((Date.now() - began) / 10) / 100
    });
  }

  function show(text, trouble) {
    saved.textContent = text;
    saved.className = trouble ? "trouble" : "";
  }

  // Send what the course has reported. Resolves to the server's answer, or null when it failed.
  function commit(exit) {
    var body = message(exit);
    var number = sequence;
    lastSent = runtime ? JSON.stringify(runtime.values()) : "";
    unsaved = true;
    return fetch(start.commit_url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: body,
      keepalive: body.length < BEACON_LIMIT
    }).then(function (answer) {
      // A page instead of JSON is a server in trouble: nothing says that it has stored anything.
      return answer.json().then(function (json) {
        if (!answer.ok && answer.status >= 500) { throw new Error(json.error); }
        if (number === sequence) {
          unsaved = false;
          show(answer.ok ? "Progress saved" : json.error || "Progress could not be saved", !answer.ok);
        }
        if (json.view && json.view.menu && !navigation) { drawMenu(json.view.menu); }
        return json;
      });
    }).catch(function () {
      show("Not saved. Trying again …", true);
      return null;
    });
  }

  function committed() {
    if (closing) { beacon(); } else { commit(""); }
  }

  function finished() {
    if (leaving) { return; }
    var request = runtime.request();
    if (EXITS.indexOf(request) >= 0 || (request !== "_none_" && view.several)) { navigation = request; }
    // The course's own unload handler runs after ours, and has the last word.
    if (closing) { beacon(); return; }
    if (!navigation) { commit(""); return; }
    window.setTimeout(function () {
      if (EXITS.indexOf(request) < 0) { go(request); } else { leave(request); }
    }, 0);
  }

  // What failed is repeated until it is stored, after the SCO has finished too.
  function commitIfChanged() {
    if (leaving || closing || !runtime) { return; }
    var changed = runtime.state() === "running" && JSON.stringify(runtime.values()) !== lastSent;
    if (changed) { commit(""); }
  }

  function repeatIfFailed() {
    if (unsaved && !leaving && !closing && saved.className === "trouble") { commit(""); }
  }

  // Let the course's own unload handlers run: many packages finish only there.
  function unloadCourse() {
    return new Promise(function (resolve) {
      var timer = window.setTimeout(resolve, UNLOAD_WAIT);
      frame.addEventListener("load", function () {
        window.clearTimeout(timer);
        resolve();
      }, { once: true });
      frame.src = "about:blank";
    });
  }

  // End this activity, and go where the learner or the SCO asked to.
  function go(request) {
    if (leaving) { return; }
    leaving = true;
    navigation = request;
    unloadCourse().then(function send() {
      return commit("").then(function (answer) {
        if (answer !== null) { return answer; }
        return new Promise(function (resolve) { window.setTimeout(resolve, RETRY_WAIT); }).then(send);
      });
    }).then(function (answer) {
      leaving = false;
      if (!answer.view) { navigation = ""; notice.hidden = false; return; }
      view = answer.view;
      begin();
      drawMenu(view.menu);
      if (view.ends) { leave("exitAll"); }
    });
  }

  function leave(request) {
    if (leaving) { return; }
    leaving = true;
    navigation = request || "";
    button.disabled = true;
    button.textContent = "Saving…";
    unloadCourse().then(function () { return commit("exited"); }).then(function (answer) {
      if (answer === null) {
        leaving = false;
        button.disabled = false;
        button.textContent = "Try again to exit";
        return;
      }
      gone = true;
      follow(answer.next || { kind: "message" });
    });
  }

  function follow(next) {
    if (next.kind === "address") {
      window.location.replace(next.url);
    } else if (next.kind === "blank") {
      window.location.replace("about:blank");
    } else {
      if (next.kind === "closer") { window.close(); }
      window.location.replace("/player/message/" + (next.kind === "stay" ? "stay" : "ended"));
    }
  }

  // A closed tab or a reload: the last chance to save. The session may still be reopened.
  function unloaded() {
    if (gone) { return; }
    closing = true;
    beacon();
  }

  function beacon() {
    var body = message("closed");
    if (body.length < BEACON_LIMIT && navigator.sendBeacon(start.commit_url, body)) { return; }
    fetch(start.commit_url, { method: "POST", body: body }).catch(function () { return null; });
  }

  function drawMenu(menu) {
    if (!start.several) { return; }
    document.getElementById("previous").disabled = !menu.previous;
    document.getElementById("next").disabled = !menu.next;
    var list = document.getElementById("pages");
    var focused = list.contains(document.activeElement) ? document.activeElement.dataset.page : null;
    list.replaceChildren.apply(list, menu.items.map(function (item) {
      var made = document.createElement("li");
      var inside = document.createElement(item.choice ? "button" : "span");
      made.style.paddingInlineStart = item.depth + "rem";
      inside.textContent = item.title || item.id;
      if (item.choice) {
        inside.type = "button";
        inside.dataset.page = item.id;
        inside.addEventListener("click", function () { go("{target=" + item.id + "}choice"); });
      }
      if (item.id === view.activity) { inside.setAttribute("aria-current", "page"); }
      made.append(inside, mark(item));
      return made;
    }));
    Array.prototype.forEach.call(list.querySelectorAll("button"), function (one) {
      if (one.dataset.page === focused) { one.focus(); }
    });
  }

  function mark(item) {
    var made = document.createElement("small");
    made.textContent = { PASSED: "passed", FAILED: "failed" }[item.success] ||
      { COMPLETED: "done", INCOMPLETE: "begun" }[item.completion] || "";
    return made;
  }

  button.addEventListener("click", function () { leave(""); });
  if (start.several) {
    document.getElementById("previous").addEventListener("click", function () { go("previous"); });
    document.getElementById("next").addEventListener("click", function () { go("continue"); });
  }
  window.addEventListener("pagehide", unloaded);
  // A page restored from the back-forward cache would go on with stale data.
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { window.location.reload(); }
  });
  window.setInterval(commitIfChanged, start.commit_milliseconds);
  window.setInterval(repeatIfFailed, RETRY_WAIT);
  begin();
  drawMenu(view.menu);
}());
