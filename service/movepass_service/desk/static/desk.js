/* What a script adds to the desk: keys, the renewal of a lease while somebody works, and a queue that is up to date. */
(function () {
  "use strict";
  var STORED = "movepass-desk-keys";
  var body = document.body;

  function each(selector, use) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), use);
  }
  function areKeysOn() {
    try {
      return localStorage.getItem(STORED) !== "off";
    } catch (_) {
      return true;
    }
  }
  each("[data-keys]", function (box) {
    box.checked = areKeysOn();
    box.addEventListener("change", function () {
      try {
        localStorage.setItem(STORED, box.checked ? "on" : "off");
      } catch (_) {
        box.checked = true;
      }
    });
  });

  /* A key leads to its button; Enter then presses it, so that one slip decides nothing. */
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1 || !areKeysOn()) return;
    var at = event.target;
    var kind = at.tagName === "INPUT" ? at.type : at.tagName;
    if (/^(text|search|tel|number|SELECT|TEXTAREA)$/.test(kind)) return;
    var found = document.querySelector('[data-key="' + event.key.toLowerCase().replace(/[^a-z]/g, "") + '"]');
    if (!found) return;
    event.preventDefault();
    if (found.tagName === "DETAILS") {
      found.open = true;
      found.querySelector("input[type=radio]:checked, input, button").focus();
    } else {
      found.focus();
    }
  });

  /* Enter in a list of reasons sends the form, as the button would. */
  each(".decide details", function (box) {
    box.addEventListener("keydown", function (event) {
      if (event.key !== "Enter" || event.target.type !== "radio") return;
      event.preventDefault();
      box.querySelector("button").click();
    });
  });

  /* A form is sent once, however often its button is pressed. */
  document.addEventListener("submit", function (event) {
    if (event.target.hasAttribute("data-sent")) event.preventDefault();
    else if (event.target.method === "post") event.target.setAttribute("data-sent", "");
  });
  addEventListener("pageshow", function () {
    each("[data-sent]", function (form) {
      form.removeAttribute("data-sent");
    });
  });

  /* A lease holds while somebody works on the page. */
  var leaseS = Number(body.getAttribute("data-lease"));
  if (leaseS) {
    var isBusy = true;
    ["keydown", "pointerdown", "scroll"].forEach(function (name) {
      addEventListener(name, function () {
        isBusy = true;
      });
    });
    var endsAt = Date.now() + 1000 * leaseS;
    setInterval(
      function () {
        var text = document.querySelector("[data-lease-text]");
        if (Date.now() > endsAt && text) {
          document.querySelector("[data-lease-ends]").textContent = text.getAttribute("data-lease-text");
        }
        if (!isBusy || document.hidden) return;
        isBusy = false;
        fetch("/api/lease/" + body.getAttribute("data-reference"), {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ token: body.getAttribute("data-token") }),
        }).then(
          function (answer) {
            if (answer.ok) endsAt = Date.now() + 1000 * leaseS;
            else if (answer.status === 409 || answer.status === 401) endsAt = 0;
          },
          function () {},
        );
      },
      Math.max(5, Math.floor(leaseS / 4)) * 1000,
    );
  }

  /* The queue shows what is new by itself, unless somebody is in it with the keyboard. */
  var fresh = document.querySelectorAll("[data-refresh]");
  if (fresh.length) {
    setInterval(
      function () {
        if (document.hidden) return;
        fetch(location.href, { cache: "no-store", headers: { "X-Background": "1" } })
          .then(function (answer) {
            return answer.ok && !answer.redirected ? answer.text() : "";
          })
          .then(
            function (text) {
              if (!text) return;
              var page = new DOMParser().parseFromString(text, "text/html");
              var parts = page.querySelectorAll("[data-refresh]");
              if (parts.length !== fresh.length) return;
              Array.prototype.forEach.call(fresh, function (part, place) {
                var isSame = part.innerHTML === parts[place].innerHTML; /* an alert is not said again */
                if (!isSame && !part.contains(document.activeElement)) part.innerHTML = parts[place].innerHTML;
              });
            },
            function () {},
          );
      },
      1000 * Number(fresh[0].getAttribute("data-refresh")),
    );
  }
  var errors = document.getElementById("errors");
  if (errors) errors.focus();
})();
