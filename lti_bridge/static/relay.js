// How what was picked goes back to the LMS: by the form of the last page or, from a window of its
// own, through the frame that opened it. LMSs take it only in their frame (Moodle 4.5.6: measured).
"use strict";

(() => {
  const form = document.getElementById("answer");
  const lost = document.getElementById("lost");
  const show = id => { document.getElementById(id).hidden = false; };
  // Going back, a reload or a restored tab must not add the courses once more.
  const first = performance.getEntriesByType("navigation")[0]?.type === "navigate";

  if (form && !first) show("again");
  else if (!lost) form.submit();
  else reach(form ? { address: form.action, jwt: form.elements.JWT.value } : {});

  function reach(answer) {
    const late = setTimeout(() => { lost.hidden = false; }, 3000);
    addEventListener("message", event => {
      if (event.origin !== location.origin || event.source !== opener || event.data !== "lti_bridge.here") return;
      clearTimeout(late);
      if (!form) return;
      form.hidden = true;
      show("taken");
    });
    if (opener) opener.postMessage({ subject: "lti_bridge.answer", ...answer }, location.origin);
  }
})();
