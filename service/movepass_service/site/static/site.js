/* All works without it: keeps drafts, sends again when the network is back, refreshes status. */
(function () {
  "use strict";
  var DRAFT = "movepass-draft";
  var DRAFT_MAX_AGE_MS = 3 * 86400000;
  var RETRY_MS = 5000;
  var FORM_TYPE = "application/x-www-form-urlencoded";

  function find(selector) {
    return document.querySelector(selector);
  }

  /* Storage may be full or forbidden: then there is no draft, and all else works. */
  function load() {
    try {
      var draft = JSON.parse(localStorage.getItem(DRAFT) || "null");
      return draft && Date.now() - draft.at < DRAFT_MAX_AGE_MS ? draft : null;
    } catch (e) {
      return null;
    }
  }
  function save(draft) {
    try {
      if (draft) localStorage.setItem(DRAFT, JSON.stringify(draft));
      else localStorage.removeItem(DRAFT);
    } catch (e) {}
  }

  /* The day is counted from today on the empty form; a draft of yesterday must not mean another day. */
  function isDay(field) {
    return /date$/.test(field.name);
  }
  function fields(form) {
    return Array.prototype.filter.call(form.elements, function (field) {
      return field.name && field.type !== "hidden" && field.type !== "submit";
    });
  }
  function collect(form) {
    var values = {};
    fields(form).forEach(function (field) {
      if (field.type === "radio" || field.type === "checkbox" ? field.checked : field.value) {
        values[field.name] = field.value;
      }
    });
    return values;
  }
  function fill(form, draft) {
    var isSameDay = new Date(draft.at).toDateString() === new Date().toDateString();
    fields(form).forEach(function (field) {
      var value = draft.values[field.name];
      if (value === undefined || (isDay(field) && /^\d$/.test(value) && !isSameDay)) return;
      if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === value;
      else field.value = value;
      if (value) {
        var inside = field.closest("details");
        if (inside) inside.open = true;
      }
    });
  }

  function keepDraft(form) {
    var note = find("[data-draft-note]");
    note.textContent = note.getAttribute("data-draft-note");
    note.hidden = false;
    var draft = load();
    if (draft && !find("#errors") && !Object.keys(collect(form)).length) {
      fill(form, draft);
      note.textContent = form.getAttribute("data-restored") + " " + note.textContent + " ";
      var forget = document.createElement("button");
      forget.type = "button";
      forget.className = "link";
      forget.textContent = form.getAttribute("data-forget");
      forget.addEventListener("click", function () {
        save(null);
        form.reset();
        forget.remove();
      });
      note.appendChild(forget);
    }
    function keep() {
      save({ at: Date.now(), values: collect(form) });
    }
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
  }

  /* Sends the form by itself for as long as there is no network or no room; sent twice it is one application. */
  function sendStubbornly(form) {
    var state = find("[data-state]");
    var isSending = false;
    function say(what) {
      state.textContent = form.getAttribute("data-" + what);
    }
    function again(ms) {
      isSending = false;
      setTimeout(send, ms);
    }
    function send() {
      if (isSending) return;
      isSending = true;
      say("sending");
      fetch(form.getAttribute("action"), {
        method: "POST",
        headers: { "Content-Type": FORM_TYPE },
        body: new URLSearchParams(new FormData(form)).toString(),
      }).then(
        function (answer) {
          if (answer.status === 503 || answer.status === 429) {
            var seconds = Number(answer.headers.get("Retry-After")) || 10;
            answer.text().then(function (text) {
              if (window.inLine && inLine.stand(text, sendStubbornly)) return;
              say("busy");
              again(1000 * seconds);
            });
          } else if (answer.redirected && answer.ok) {
            save(null);
            location.assign(answer.url);
          } else {
            form.submit();
          }
        },
        function () {
          say("waiting");
          again(RETRY_MS);
        },
      );
    }
    addEventListener("online", function () {
      if (state.textContent && form.isConnected) send();
    });
    if (window.inLine && form.hasAttribute("data-line")) inLine.wait(form, send);
    var isElsewhere = false; /* a button that leads to the form again, or to the other language */
    document.addEventListener(
      "click",
      function (event) {
        isElsewhere = Boolean(event.target.closest("[formaction]"));
      },
      true,
    );
    form.addEventListener("submit", function (event) {
      if (isElsewhere) return;
      event.preventDefault();
      send();
    });
  }

  /* Asks as often as the page says, and shows the new page only when something has changed. */
  function poll(box) {
    var seconds = Number(box.getAttribute("data-poll"));
    if (!seconds || !window.DOMParser) return;
    var shown = box.textContent;
    function ask() {
      if (document.hidden) return wait(seconds);
      fetch(location.pathname, { cache: "no-cache" }).then(
        function (answer) {
          var next = Number(answer.headers.get("Retry-After")) || seconds;
          return answer.text().then(function (text) {
            var fresh = new DOMParser().parseFromString(text, "text/html").querySelector("#state");
            if (answer.ok && fresh && fresh.textContent !== shown) location.replace(location.pathname);
            else wait(next);
          });
        },
        function () {
          wait(seconds);
        },
      );
    }
    function wait(s) {
      setTimeout(ask, 1000 * Math.max(s, 2));
    }
    wait(seconds);
  }

  var application = find("form[data-draft]");
  if (application && window.localStorage) keepDraft(application);
  var checked = find("form[data-send]");
  if (checked && window.fetch && window.URLSearchParams) sendStubbornly(checked);
  if (find("[data-clear-draft]")) save(null);
  var box = find("[data-poll]");
  if (box && window.fetch) poll(box);
  var errors = find("#errors");
  if (errors) errors.focus();
})();
