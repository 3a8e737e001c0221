/* Signing in and enrolling with a passkey: the only work of the desk that needs a script. */
(function () {
  "use strict";
  var form = document.querySelector("[data-passkey]");
  if (!form) return;
  var what = form.getAttribute("data-passkey");
  var button = form.querySelector("button");
  var said = form.querySelector("[data-said]");
  var secret = "";
  if (what === "enrol") {
    /* The secret stays out of the address bar, of the history and of every server's log. */
    secret = location.hash.slice(1);
    if (secret) {
      var other = document.querySelector("a.language");
      if (other) other.setAttribute("href", other.getAttribute("href") + "#" + secret);
      history.replaceState(null, "", location.pathname);
    }
  }

  function say(text) {
    said.textContent = text;
    button.disabled = false;
  }
  function toBytes(text) {
    var plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (char) {
      return char.charCodeAt(0);
    });
  }
  function toText(buffer) {
    var plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  function call(path, document_) {
    return fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(document_),
    }).then(function (answer) {
      return answer.json().then(function (read) {
        if (answer.ok) return read;
        var known = form.getAttribute("data-" + read.errors[0].code);
        var fault = new Error(known || read.errors[0].message);
        fault.isOurs = true;
        throw fault;
      });
    });
  }
  function ask(options) {
    options.challenge = toBytes(options.challenge);
    if (what === "sign-in") {
      delete options.allowCredentials;
      return navigator.credentials.get({ publicKey: options });
    }
    options.user.id = toBytes(options.user.id);
    (options.excludeCredentials || []).forEach(function (one) {
      one.id = toBytes(one.id);
    });
    return navigator.credentials.create({ publicKey: options });
  }
  function written(credential) {
    var response = credential.response;
    var parts =
      what === "sign-in"
        ? ["authenticatorData", "clientDataJSON", "signature", "userHandle"]
        : ["attestationObject", "clientDataJSON"];
    var document_ = { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response: {} };
    parts.forEach(function (name) {
      if (response[name]) document_.response[name] = toText(response[name]);
    });
    return document_;
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    said.textContent = "";
    if (!window.PublicKeyCredential) return say(form.getAttribute("data-unable"));
    if (what === "enrol" && !secret) return say(form.getAttribute("data-secret"));
    button.disabled = true;
    var base = "/api/" + what;
    call(base + "/options", what === "enrol" ? { secret: secret } : {})
      .then(function (begun) {
        return ask(begun.options);
      })
      .then(function (credential) {
        var sent = { credential: written(credential), language: document.documentElement.lang };
        var next = form.getAttribute("data-next");
        if (next) sent.next = next;
        return call(base, sent);
      })
      .then(
        function (done) {
          location.assign(done.to);
        },
        function (fault) {
          if (fault.isOurs) say(fault.message);
          else say(form.getAttribute(fault.name === "NotAllowedError" ? "data-none" : "data-broken"));
        },
      );
  });
})();
