// The course itself: a lesson, a quiz, a result. Answers and place are kept for the next visit.
"use strict";

(function () {
  var PASS_PERCENT = 80;
  var quiz = COURSE.reports !== "reading";
  var page = document.getElementById("page");
  var connected = Reporting.start();
  var state = Reporting.remembered();
  state.answers = state.answers || {};

  function element(name, attributes, children) {
    var made = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { made.setAttribute(key, attributes[key]); });
    (children || []).forEach(function (child) {
      made.append(typeof child === "string" ? document.createTextNode(child) : child);
    });
    return made;
  }

  function button(text, action, kind) {
    var made = element("button", { type: "button", "class": kind || "first" }, [text]);
    made.addEventListener("click", action);
    return made;
  }

  function steps(current) {
    var names = quiz ? ["Lesson", "Quiz", "Result"] : ["Lesson"];
    document.getElementById("steps").replaceChildren.apply(
      document.getElementById("steps"), names.map(function (name) {
        return element("li", name.toLowerCase() === current ? { "aria-current": "step" } : {}, [name]);
      }));
  }

  function show(location, children, quiet) {
    steps(location);
    page.replaceChildren.apply(page, children);
    window.scrollTo(0, 0);
    if (!quiet) { page.focus({ preventScroll: true }); }
    Reporting.remember(location, { answers: state.answers, percent: state.percent });
  }

  function lesson(quiet) {
    var parts = [element("h1", {}, [COURSE.title]), element("p", { "class": "lead" }, [COURSE.lead])];
    if (!connected) {
      parts.push(element("p", { "class": "trouble", role: "alert" },
        ["No LMS was found: nothing you do here is recorded."]));
    }
    COURSE.sections.forEach(function (section) {
      parts.push(element("h2", {}, [section.heading]));
      (section.paragraphs || []).forEach(function (text) { parts.push(element("p", {}, [text])); });
      if (section.list) {
        parts.push(element("ul", {}, section.list.map(function (text) {
          return element("li", {}, [text]);
        })));
      }
    });
    parts.push(quiz
      ? button("Start the quiz", function () { questions(); })
      : button("I have read this", read));
    show("lesson", parts, quiet);
    if (COURSE.reports === "early") { Reporting.completed(); }
  }

  function read() {
    Reporting.completed();
    page.append(element("p", { role: "status" }, ["Thank you. You can exit the course now."]));
  }

  function choice(question, text, number) {
    var input = element("input", { type: "radio", name: question.id, value: String(number) });
    input.checked = state.answers[question.id] === number;
    input.addEventListener("change", function () {
      state.answers[question.id] = number;
      Reporting.remember("quiz", { answers: state.answers, percent: state.percent });
    });
    return element("label", {}, [input, element("span", {}, [text])]);
  }

  function questions(quiet) {
    var trouble = element("p", { "class": "trouble", role: "alert" });
    var sets = COURSE.questions.map(function (question, at) {
      var legend = element("legend", {}, [(at + 1) + ". " + question.text]);
      return element("fieldset", {}, [legend].concat(question.options.map(function (text, number) {
        return choice(question, text, number);
      })));
    });
    var form = element("form", { novalidate: "" }, sets.concat([
      trouble, element("button", { type: "submit" }, ["Submit answers"])
    ]));
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var open = COURSE.questions.filter(function (question) {
        return state.answers[question.id] === undefined;
      });
      if (open.length === 0) { grade(); return; }
      trouble.textContent = open.length === 1
        ? "One question has no answer yet." : open.length + " questions have no answer yet.";
      form.querySelector("input[name='" + open[0].id + "']").focus();
    });
    show("quiz", [element("h1", {}, ["Quiz"]), element("p", { "class": "lead" },
      [COURSE.questions.length + " questions. You pass with " + PASS_PERCENT + " %."]), form], quiet);
  }

  function grade() {
    var answers = COURSE.questions.map(function (question) {
      return { id: question.id, chosen: state.answers[question.id], correct: question.correct };
    });
    var right = answers.filter(function (answer) { return answer.chosen === answer.correct; }).length;
    state.percent = Math.round(right / answers.length * 10000) / 100;
    Reporting.quizDone(answers, state.percent, state.percent >= PASS_PERCENT);
    result();
  }

  function review(question) {
    var chosen = state.answers[question.id];
    var right = chosen === question.correct;
    return element("fieldset", { "class": right ? "right" : "wrong" }, [
      element("legend", {}, [question.text]),
      element("p", {}, ["Your answer: " + question.options[chosen]]),
      element("p", { "class": "verdict" }, [right
        ? "Right" : "Not right. The answer is: " + question.options[question.correct]])
    ]);
  }

  function result(quiet) {
    var passed = state.percent >= PASS_PERCENT;
    var score = element("div", { "class": passed ? "score" : "score failed", role: "status" }, [
      element("strong", { id: "score" }, [state.percent + " %"]),
      element("span", {}, [passed
        ? "You have passed. You can exit the course now."
        : "You need " + PASS_PERCENT + " % to pass. Read the lesson again, or try once more."])
    ]);
    show("result", [element("h1", {}, ["Your result"]), score]
      .concat(COURSE.questions.map(review))
      .concat([
        button("Take the quiz again", again, "second"),
        button("Back to the lesson", function () { lesson(); }, "second")
      ]), quiet);
  }

  function again() {
    state.answers = {};
    questions();
  }

  if (quiz && state.location === "result" && state.percent !== undefined) {
    result(true);
  } else if (quiz && state.location === "quiz") {
    questions(true);
  } else {
    lesson(true);
  }
}());
