// LTI platform storage: the LMS's page keeps a secret for a frame whose browser keeps no cookie
// (1EdTech, LTI postMessage Storage 0.1). Put at the login, got at the launch.
"use strict";

const asking = document.getElementById("storage");
const otherwise = document.getElementById("otherwise");

ask(asking.dataset).then(carryOn, () => {
  // A page with an address of its own can be shown again: after going back, or in a restored tab.
  if (asking.dataset.otherwise) return location.replace(asking.dataset.otherwise);
  asking.hidden = true;
  otherwise.hidden = false;
});

function ask({ subject, target, origin, key, value, seconds }) {
  asking.hidden = false;
  otherwise.hidden = true;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const message_id = Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
  return new Promise((resolve, reject) => {
    const late = setTimeout(reject, seconds * 1000);
    addEventListener("message", event => {
      const answer = event.data;
      // Only the LMS's own page is believed, and only about what we asked just now.
      if (event.origin !== origin || !answer || answer.message_id !== message_id) return;
      if (answer.subject !== `${subject}.response`) return;
      clearTimeout(late);
      if (answer.error || (subject === "lti.get_data" && !answer.value)) reject();
      else resolve(answer);
    });
    frame(target).postMessage({ subject, message_id, key, value }, origin);
  });
}

// The named frame may stand beside us or further up, or be missing: then the LMS's page itself
// is asked. What it is not meant for, `origin` keeps from it.
function frame(target) {
  for (let page = parent; target !== "_parent"; page = page.parent) {
    try {
      if (page.frames[target]) return page.frames[target];
    } catch (error) { /* a page of another site that has no such frame */ }
    if (page === page.parent) break;
  }
  return parent;
}

function carryOn(answer) {
  if (asking.dataset.next) {
    location.replace(asking.dataset.next);
    return;
  }
  const form = asking.querySelector("form");
  form.elements[form.elements.length - 1].value = answer.value;
  form.submit();
}
