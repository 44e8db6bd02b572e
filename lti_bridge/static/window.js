// A button of this page opens a new window, and works once: say so, and follow what was opened.
"use strict";

(() => {
  const form = document.getElementById("open");
  const opened = document.getElementById("opened");

  form.addEventListener("submit", () => setTimeout(() => {
    document.getElementById("before").hidden = form.hidden = true;
    opened.hidden = false;
    if (opened.dataset.watch) look(opened.dataset.watch, 2000);
  }));

  // A picker in the window that was opened answers through this frame; only our pages are heard.
  addEventListener("message", ({ origin, source, data }) => {
    if (origin !== location.origin || data?.subject !== "lti_bridge.answer") return;
    source.postMessage("lti_bridge.here", origin);
    if (!data.jwt) return;
    const answer = document.body.appendChild(document.createElement("form"));
    const field = answer.appendChild(document.createElement("input"));
    Object.assign(answer, { method: "post", action: data.address, hidden: true });
    Object.assign(field, { type: "hidden", name: "JWT", value: data.jwt });
    answer.submit();
  });

  async function look(address, pause) {
    await new Promise(wake => setTimeout(wake, pause));
    try {
      const answer = await fetch(address, { cache: "no-store" });
      if (answer.status === 404) return;
      const left = (await answer.json()).address;
      if (left) return location.replace(left);
    } catch (problem) { /* the network may be away for a moment; the next look tries again */ }
    look(address, Math.min(10000, pause * 1.2));
  }
})();
