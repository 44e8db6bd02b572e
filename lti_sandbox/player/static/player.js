// The player: frames the course, keeps its data safe, and leads the learner away at the exit.
"use strict";

(function () {
  var start = JSON.parse(document.getElementById("start").textContent);
  var frame = document.getElementById("sco");
  var button = document.getElementById("exit");
  var saved = document.getElementById("saved");
  var began = Date.now();
  var sequence = start.sequence;
  var lastSent = "";
  var leaving = false;
  var gone = false;
  var closing = false;
  // A beacon or a keepalive fetch carries at most 64 KB.
  var BEACON_LIMIT = 60000;
  var UNLOAD_WAIT = 3000;

  var runtime = (start.standard === "SCORM12" ? PracticeScorm12 : PracticeScorm2004)
    .create(start, { committed: committed, finished: finished });
  window[runtime.name] = runtime.api;

  function message(exit) {
    sequence += 1;
    return JSON.stringify({
      sequence: sequence,
      cmi: runtime.values(),
      finished: runtime.state() === "finished",
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
    lastSent = JSON.stringify(runtime.values());
    return fetch(start.commit_url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: body,
      keepalive: body.length < BEACON_LIMIT
    }).then(function (answer) {
      return answer.json().then(function (json) {
        show(answer.ok ? "Progress saved" : json.error || "Progress could not be saved", !answer.ok);
        return json;
      });
    }).catch(function () {
      lastSent = "";
      show("Not saved: no connection", true);
      return null;
    });
  }

  function committed() {
    if (closing) { beacon(); } else { commit(""); }
  }

  function finished() {
    if (leaving) { return; }
    // The course's own unload handler runs after ours, and has the last word.
    if (closing) { beacon(); return; }
    commit("");
    if (runtime.wantsExit()) { window.setTimeout(leave, 0); }
  }

  function commitIfChanged() {
    if (!leaving && !closing && runtime.state() === "running" && JSON.stringify(runtime.values()) !== lastSent) {
      commit("");
    }
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

  function leave() {
    if (leaving) { return; }
    leaving = true;
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

  button.addEventListener("click", leave);
  window.addEventListener("pagehide", unloaded);
  // A page restored from the back-forward cache would go on with stale data.
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { window.location.reload(); }
  });
  window.setInterval(commitIfChanged, start.commit_milliseconds);
  frame.src = start.content_url;
}());
