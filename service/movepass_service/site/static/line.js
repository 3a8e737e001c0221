/* Waits in line for a form, on the pages that send one. site.js sends; without this file the button does. */
(function () {
  "use strict";
  var LINE_NEWS_MS = 60000;

  function find(selector) {
    return document.querySelector(selector);
  }

  /* Shows the page of a place in line, if a text is that; what was typed is on it too. */
  function stand(text, attach) {
    var fresh = window.DOMParser && new DOMParser().parseFromString(text, "text/html");
    var form = fresh && fresh.querySelector("form[data-line]");
    if (!form) return false;
    var main = find("main");
    var isFirst = !find("#line");
    main.innerHTML = fresh.querySelector("main").innerHTML;
    document.title = fresh.title;
    if (isFirst) main.focus();
    attach(find("form[data-line]"));
    return true;
  }

  /* Asks which places are called, which is the same for everybody, and sends when it is this one's turn. */
  function waitInLine(form, send) {
    var line = find("#line");
    var began = Date.now();
    find("[data-scripted]").hidden = false;
    function isHere() {
      return form.isConnected;
    }
    function look() {
      if (!isHere()) return;
      if (!isSolving && Date.now() - began > LINE_NEWS_MS) return send();
      fetch("/line/called")
        .then(function (answer) {
          return answer.json();
        })
        .then(
          function (news) {
            if (!isHere()) return;
            if (news.called[line.getAttribute("data-lane")] >= Number(line.getAttribute("data-number"))) send();
            else wait();
          },
          wait,
        );
    }
    function wait() {
      setTimeout(look, 1000 * Number(line.getAttribute("data-again")));
    }
    wait();
    var isSolving = solve(line, form, send);
  }

  /* Lets a worker prove that this is no program, if the page asks for it and the phone can. */
  function solve(line, form, send) {
    var task = JSON.parse(line.getAttribute("data-challenge") || "null");
    if (!task || !window.Worker || !window.crypto || !crypto.subtle || !window.TextEncoder) return false;
    var worker = new Worker(line.getAttribute("data-solver"));
    find("[data-solving]").hidden = false;
    find("[data-unsolved]").hidden = true;
    worker.onmessage = function (event) {
      worker.terminate();
      if (event.data === null || !form.isConnected) return;
      var proof = document.createElement("input");
      proof.type = "hidden";
      proof.name = "proof";
      task.number = event.data;
      proof.value = btoa(JSON.stringify(task));
      form.appendChild(proof);
      send();
    };
    worker.postMessage(task);
    return true;
  }

  window.inLine = { stand: stand, wait: waitInLine };
})();
