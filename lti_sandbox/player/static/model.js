// The part of both run-times that is the same: a table of elements, their values, their checks.
"use strict";

var PracticeModel = (function () {
  var CHARACTERS = { decimal: /^-?\d*\.?\d+$|^-?\d+\.$/ };

  function oneOf() {
    var words = Array.prototype.slice.call(arguments);
    return function (value) { return words.indexOf(value) >= 0 ? "" : "type"; };
  }

  // Lengths in the standards are the least that an LMS keeps: what is longer is kept too.
  function text() { return ""; }

  // A decimal number within [least, most]; either end may be null.
  function decimal(least, most) {
    return function (value) {
      if (!CHARACTERS.decimal.test(value)) { return "type"; }
      var number = Number(value);
      if (least !== null && number < least) { return "range"; }
      if (most !== null && number > most) { return "range"; }
      return "";
    };
  }

  function whole(least, most) {
    return function (value) {
      if (!/^-?\d+$/.test(value)) { return "type"; }
      var number = Number(value);
      return number < least || number > most ? "range" : "";
    };
  }

  function pattern(expression) {
    return function (value) { return expression.test(value) ? "" : "type"; };
  }

  function either(first, second) {
    return function (value) { return first(value) === "" ? "" : second(value); };
  }

  // Every value of a list must pass, however the standards separate them: `[,]`.
  function listOf(check) {
    return function (value) {
      return value === "" || value.split("[,]").every(check) ? "" : "type";
    };
  }

  // The pages that a course shows. A SCO may consist of several pages, or frame them: each may
  // begin a run-time when the one before has ended its own, or was replaced without doing so.
  function Pages(documents) {
    this.documents = documents || function () { return []; };
    this.seen = [];
  }

  Pages.prototype.remember = function () { this.seen = this.documents(); };

  Pages.prototype.changed = function (inFramesToo) {
    var seen = this.seen;
    var now = inFramesToo ? this.documents() : this.documents().slice(0, 1);
    return now.some(function (one) { return seen.indexOf(one) < 0; });
  };

  // `table` maps a path, with n for an index, to {access, check, start}. `values` holds what the
  // course has set, by full path, and is all that is ever committed.
  function Model(table, starts, values) {
    this.table = table;
    this.starts = starts;
    this.values = Object.assign({}, values);
  }

  Model.prototype.find = function (path) {
    return Object.prototype.hasOwnProperty.call(this.table, path.replace(/\.\d+(?=\.|$)/g, ".n"))
      ? this.table[path.replace(/\.\d+(?=\.|$)/g, ".n")] : null;
  };

  Model.prototype.read = function (path) {
    if (Object.prototype.hasOwnProperty.call(this.values, path)) { return this.values[path]; }
    if (Object.prototype.hasOwnProperty.call(this.starts, path)) { return this.starts[path]; }
    var element = this.find(path);
    return element && element.start !== undefined ? element.start : null;
  };

  // A page that begins anew finds what the one before has set, but not its own session.
  Model.prototype.again = function (exit, entry, ofOneSession) {
    this.starts[entry] = this.values[exit] === "suspend" ? "resume" : "";
    ofOneSession.forEach(function (path) { delete this.values[path]; }, this);
  };

  Model.prototype.write = function (path, value) { this.values[path] = value; };

  // How many members a collection has, such as cmi.interactions or cmi.interactions.0.objectives.
  Model.prototype.count = function (collection) {
    var most = -1;
    var prefix = collection + ".";
    Object.keys(this.values).forEach(function (path) {
      if (path.indexOf(prefix) === 0) {
        var index = parseInt(path.slice(prefix.length), 10);
        if (index > most) { most = index; }
      }
    });
    return most + 1;
  };

  // The first collection in a path whose index would leave a gap, or null.
  Model.prototype.gap = function (path, mayAppend) {
    var parts = path.split(".");
    for (var at = 1; at < parts.length; at += 1) {
      if (/^\d+$/.test(parts[at])) {
        var collection = parts.slice(0, at).join(".");
        var room = this.count(collection) + (mayAppend ? 1 : 0);
        if (Number(parts[at]) >= room) { return collection; }
      }
    }
    return null;
  };

  // The children of a container in table order, for _children; null when it has none.
  Model.prototype.children = function (path) {
    var element = this.find(path + "._children");
    return element ? element.start : null;
  };

  return {
    Model: Model, oneOf: oneOf, text: text, decimal: decimal, whole: whole,
    pattern: pattern, either: either, listOf: listOf, Pages: Pages
  };
}());
