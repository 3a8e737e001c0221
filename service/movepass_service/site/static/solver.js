/* Solves an ALTCHA challenge beside the page, so that the page stays alive: finds the number whose hash with the salt
   is the challenge. */
onmessage = function (event) {
  "use strict";
  var task = event.data;
  var encoder = new TextEncoder();
  var AT_ONCE = 64;

  function hex(buffer) {
    var text = "";
    new Uint8Array(buffer).forEach(function (byte) {
      text += (byte < 16 ? "0" : "") + byte.toString(16);
    });
    return text;
  }
  function hash(number) {
    return crypto.subtle.digest("SHA-256", encoder.encode(task.salt + number));
  }
  function from(start) {
    if (start > task.maxnumber) return postMessage(null);
    var numbers = [];
    for (var n = start; n < start + AT_ONCE && n <= task.maxnumber; n++) numbers.push(n);
    Promise.all(numbers.map(hash)).then(function (hashes) {
      var at = hashes.map(hex).indexOf(task.challenge);
      if (at < 0) from(start + AT_ONCE);
      else postMessage(start + at);
    });
  }
  from(0);
};
