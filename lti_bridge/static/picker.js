// What the picker's pages, and the console's upload, do better with scripts; without them the same forms work by themselves.
"use strict";

const list = document.getElementById("picker");
const upload = document.getElementById("package");
const importing = document.getElementById("import");

if (list) countChosen(list);
if (upload) watchUpload(upload);
if (importing && importing.dataset.status) followImport(importing);

function countChosen(form) {
  const button = form.querySelector("[data-count]");
  if (!button) return;
  const show = () => {
    const count = form.querySelectorAll("input[name=course]:checked").length;
    const courses = count === 1 ? "1 course" : `${count} courses`;
    button.textContent = count ? `${button.dataset.count} with ${courses}` : button.dataset.count;
    button.disabled = count === 0;
  };
  form.addEventListener("change", show);
  // The back button restores ticks after this script has run.
  window.addEventListener("pageshow", show);
  show();
}

function watchUpload(form) {
  const file = form.elements.package;
  const courseId = form.elements.course_id;
  const button = form.querySelector("button");
  const exists = form.querySelector("[data-exists]");
  const confirmed = form.elements.new_version_of;
  let proposed = courseId.value === "";

  courseId.addEventListener("input", () => {
    proposed = courseId.value === "";
    exists.hidden = courseId.value !== confirmed.value;
  });
  const propose = () => {
    if (proposed && file.files.length) courseId.value = proposeId(file.files[0].name);
    exists.hidden = !confirmed.value || courseId.value !== confirmed.value;
    complain("");
  };
  file.addEventListener("change", propose);
  // A quick hand, or the back button, has a file here before this script runs.
  if (file.files.length) propose();
  form.addEventListener("submit", (event) => {
    // The button of another form stands in this one and is left alone.
    event.preventDefault();
    send().catch(() => fail("The connection was lost. Nothing is known to have arrived: look in the list of courses before you try again."));
  });

  async function send() {
    complain("");
    const chosen = file.files[0];
    if (chosen.size > Number(form.dataset.maxBytes)) return fail(form.dataset.tooLarge);
    if (!courseId.value) courseId.value = proposeId(chosen.name);
    button.disabled = true;
    const sure = !exists.hidden && confirmed.checked && confirmed.value === courseId.value;
    const found = await ask(form.dataset.check, { ...proof(form), course_id: courseId.value });
    renew(found.fresh);
    if (found.error) return fail(found.error);
    if (found.exists && !sure) return question(found);
    confirmed.disabled = !sure;
    finish(await transfer(form, say));
  }

  // A page grows old while a large file travels, or while somebody thinks.
  function renew(fresh) {
    if (!fresh) return;
    form.action = fresh.address;
    for (const one of [form, document.getElementById("back")]) one.elements.page.value = fresh.page;
  }

  function finish(answer) {
    renew(answer.fresh);
    if (answer.exists) return question(answer);
    if (answer.address) return location.assign(answer.address);
    if (!answer.page) return fail(answer.error || explain(answer.httpStatus));
    const next = document.getElementById("sent");
    next.elements.page.value = answer.page;
    next.submit();
  }

  function question(found) {
    exists.querySelector("[data-id]").textContent = found.id;
    exists.querySelector("[data-title]").textContent = found.title;
    exists.querySelector("[data-version]").textContent = found.version;
    exists.querySelector("[data-suggestion]").textContent = found.suggestion;
    exists.querySelector("[data-otherwise]").hidden = !found.suggestion;
    exists.querySelector("[data-file-again]").hidden = true;
    confirmed.value = found.id;
    confirmed.checked = false;
    confirmed.disabled = !found.may_replace;
    exists.querySelector("[data-replace]").hidden = !found.may_replace;
    exists.querySelector("[data-shared]").hidden = found.may_replace;
    exists.hidden = false;
    stop();
    (found.may_replace ? confirmed : courseId).focus();
  }

  function fail(sentence) {
    stop();
    complain(sentence);
  }

  function stop() {
    button.disabled = false;
    form.querySelector("[data-meter]").hidden = true;
  }

  function complain(sentence) {
    const problem = document.querySelector("[data-problem]");
    problem.textContent = sentence;
    problem.hidden = !sentence;
    if (sentence) problem.focus();
  }

  function say(loaded, total) {
    const meter = form.querySelector("[data-meter]");
    const bar = meter.querySelector("progress");
    const text = meter.querySelector("[role=status]");
    meter.hidden = false;
    if (loaded < total) {
      const percent = Math.floor((100 * loaded) / total);
      bar.value = percent;
      text.textContent = `${percent} % of ${(total / 1048576).toFixed(1)} MB sent`;
    } else {
      bar.removeAttribute("value");
      text.textContent = "Everything is sent; it is now handed on to SCORM Cloud…";
    }
  }
}

function transfer(form, say) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => say(event.loaded, event.total));
    request.addEventListener("load", () => resolve({ ...parse(request.responseText), httpStatus: request.status }));
    request.addEventListener("error", reject);
    request.send(new FormData(form));
  });
}

// An answer that is not the bridge's own comes from a server in front of it.
function explain(status) {
  if (status === 413) {
    return "A server in front of the bridge takes no file of this size. Nothing has arrived. Ask the operator of the bridge to raise its limit (client_max_body_size in nginx), or to upload the package for you.";
  }
  if (status >= 500) {
    return `A server in front of the bridge gave up waiting (${status}). The package may have arrived all the same: look in the list of courses before you upload it again.`;
  }
  return "The bridge could not take the file. Try again in a moment.";
}

// What tells the bridge whose form it is: the picker's page, or a console session and its import.
// A field without a name travels in no address.
function proof(form) {
  return Object.fromEntries([...form.querySelectorAll("[data-proof]")].map((field) => [field.name || field.dataset.name, field.value]));
}

async function ask(address, fields) {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(fields) });
  return parse(await answer.text());
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function proposeId(name) {
  const plain = name.replace(/\.[^.]*$/, "").normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase();
  const slug = plain.replace(/[^a-z0-9]+/g, "-").slice(0, 60).replace(/^-+|-+$/g, "");
  return slug || "course";
}

async function followImport(form) {
  const meter = form.querySelector("[data-meter]");
  const text = meter.querySelector("[role=status]");
  const began = Date.now();
  meter.hidden = false;
  form.querySelector("[data-by-hand]").hidden = true;
  for (let pause = 500; ; pause = Math.min(pause * 1.3, 5000)) {
    await new Promise((wake) => setTimeout(wake, pause));
    const seconds = Math.round((Date.now() - began) / 1000);
    try {
      const answer = await ask(form.dataset.status, proof(form));
      if (answer.status && answer.status !== "RUNNING") return form.submit();
      text.textContent = seconds < 120
        ? `Still at it after ${seconds} s. Large packages take a minute or two.`
        : "SCORM Cloud has the package and has said nothing about it for two minutes. It may go on: leave this page, and look in the list of courses before you upload it again.";
    } catch {
      text.textContent = "The connection was lost; trying again…";
    }
  }
}
