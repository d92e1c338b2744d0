// Pictures: shrunk here, kept on the device until the server has them, sent once; and signatures.
// Other scripts hear of it by the event "pictures" on the document: { waiting, filed: { key, slot, paper, paperId } or null },
// and may ask Pictures.waiting() or send a signature themselves (Pictures.signing, Pictures.send).
(function () {
  "use strict";
  const one = (selector, root) => (root || document).querySelector(selector);
  const all = (selector, root) => [...(root || document).querySelectorAll(selector)];
  const me = document.body.dataset.me || "";
  const LONGEST = 1600;
  const MOST_BYTES = 12 * 1024 * 1024;
  const PATIENCE = 90000;
  const PAUSES = [2, 4, 8, 15, 30, 60];

  const mark = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const placeOf = (box) => ({
    paper: box.dataset.paper, paperId: box.dataset.paperId, slot: box.dataset.slot,
    defect: box.dataset.defect, replaces: box.dataset.replaces,
  });
  const sameCamera = (box, shot) => {
    const place = placeOf(box);
    return Object.keys(place).every((name) => place[name] === shot[name]);
  };

  // ---- Making a picture small; what the camera noted stays on the phone, but for the time.
  const shrunk = async (file) => {
    if (file.type === "application/pdf") return file;
    let bitmap;
    try { bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }); } catch { return file; }
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const brush = canvas.getContext("2d");
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, canvas.width, canvas.height);
    brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85)) || file;
  };
  const takenAt = async (file) => {
    const head = new TextDecoder("latin1").decode(await file.slice(0, 131072).arrayBuffer());
    const noted = file.type === "image/jpeg" && /(20\d\d):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/.exec(head);
    if (noted) return `${noted[1]}-${noted[2]}-${noted[3]}T${noted[4]}:${noted[5]}:${noted[6]}+08:00`;
    return new Date(file.lastModified || Date.now()).toISOString();
  };

  // ---- Sending. A refusal is for good; no answer, or a server that is busy, is tried again.
  class Refusal extends Error {}
  class Away extends Error {}
  const send = async (box, shot) => {
    const form = new FormData();
    const fields = { paper: shot.paper, paper_id: shot.paperId, slot: shot.slot, defect_id: shot.defect, replaces: shot.replaces, taken_at: shot.taken, once: shot.once };
    Object.entries(fields).forEach(([name, value]) => form.append(name, value || ""));
    form.append("file", new Blob([shot.bytes], { type: shot.kind }), shot.name);
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), PATIENCE);
    let answer;
    let text;
    try {
      answer = await fetch(box.dataset.upload, { method: "POST", body: form, signal: giveUp.signal, headers: { "X-Fragment": "1", "X-CSRFToken": box.dataset.csrf } });
      text = await answer.text();
    } catch { throw new Away("等待网络，连上后自动重试"); } finally { clearTimeout(timer); }
    if (answer.ok) return JSON.parse(text);
    const refusal = (words) => Object.assign(new Refusal(words), { status: answer.status });
    if (answer.status === 401 || answer.status === 400) throw refusal("登录已过期或页面已旧，没有上传。照片还在本机，请重新登录后打开本页再试。");
    if (answer.status >= 500 || answer.status === 429) throw new Away("服务器忙，稍后自动重试");
    throw refusal((answer.headers.get("Content-Type") || "").startsWith("text/plain") ? text : "没有上传成功，请重试。");
  };

  // ---- What waits is kept by the browser, so that a closed page or a flat battery loses nothing.
  let kept = null;
  const database = () => new Promise((done) => {
    try {
      const opening = indexedDB.open("pictures", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("waiting", { keyPath: "once" });
      opening.onsuccess = () => done(opening.result);
      opening.onerror = () => done(null);
    } catch { done(null); }
  });
  const inStore = (mode, work) => new Promise((done) => {
    if (!kept) { done(null); return; }
    const turn = kept.transaction("waiting", mode);
    const asked = work(turn.objectStore("waiting"));
    turn.oncomplete = () => done(asked.result);
    turn.onerror = turn.onabort = () => done(null);
  });
  const keep = (shot) => { const { line, ...plain } = shot; return inStore("readwrite", (store) => store.put(plain)); };
  const forget = (shot) => inStore("readwrite", (store) => store.delete(shot.once));

  let shots = [];
  const tell = (filed) => {
    const waiting = shots.length;
    all("[data-camera]").forEach((box) => {
      const here = shots.filter((shot) => sameCamera(box, shot)).length;
      one("[data-waiting]", box).textContent = here ? `待上传 ${here}` : "";
    });
    document.dispatchEvent(new CustomEvent("pictures", { detail: { waiting, filed: filed || null } }));
  };

  // ---- A line for each picture: what it shows and how far it has come.
  const say = (shot, words, tone) => {
    if (!shot.line) return;
    one(".says", shot.line).textContent = words;
    shot.line.className = `shot ${tone || ""}`;
    one(".again", shot.line).hidden = tone !== "wrong";
  };
  const button = (words, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn btn-sm btn-outline-secondary";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  };
  const showLine = async (box, shot) => {
    const line = document.createElement("li");
    const canvas = document.createElement("canvas");
    const says = document.createElement("div");
    const again = document.createElement("div");
    canvas.setAttribute("aria-hidden", "true");
    says.className = "says";
    again.className = "again";
    again.hidden = true;
    again.append(
      button("重试", () => { delete shot.error; say(shot, "等待上传"); flush(true); }),
      button("不要了", () => { drop(shot); line.remove(); tell(); }),
    );
    line.append(canvas, says, again);
    shot.line = line;
    one("[data-shots]", box).append(line);
    say(shot, shot.error || "等待上传", shot.error ? "wrong" : "");
    try {
      const bitmap = await createImageBitmap(new Blob([shot.bytes], { type: shot.kind }));
      const scale = 264 / bitmap.width;
      canvas.width = 264;
      canvas.height = Math.max(1, Math.round(bitmap.height * scale));
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      bitmap.close();
    } catch { canvas.remove(); }
  };
  const drop = (shot) => { shots = shots.filter((other) => other !== shot); return forget(shot); };
  const showFiled = (shot, filed) => {
    if (!shot.line) return;
    say(shot, "已上传", "done");
    const link = document.createElement("a");
    link.href = filed.url;
    if (filed.small) {
      const image = document.createElement("img");
      image.src = filed.small;
      image.alt = filed.slot;
      link.append(image);
    } else link.textContent = shot.name;
    const canvas = one("canvas", shot.line);
    if (canvas) canvas.replaceWith(link); else shot.line.prepend(link);
  };

  // ---- One after the other; after a failure the pause grows, and a connection that comes back ends it.
  let running = false;
  let failures = 0;
  let timer = 0;
  const flush = async (fresh) => {
    if (fresh) failures = 0;
    if (running) return;
    running = true;
    clearTimeout(timer);
    for (let shot; (shot = shots.find((other) => !other.error));) {
      const box = all("[data-camera]").find((camera) => sameCamera(camera, shot)) || one("[data-upload]");
      if (!box) break;
      say(shot, "正在上传…");
      try {
        const filed = await send(box, shot);
        failures = 0;
        await drop(shot);
        showFiled(shot, filed);
        tell({ key: filed.key, slot: shot.slot, paper: shot.paper, paperId: shot.paperId });
      } catch (error) {
        if (error instanceof Away) {
          say(shot, error.message);
          timer = setTimeout(flush, 1000 * PAUSES[Math.min(failures, PAUSES.length - 1)]);
          failures += 1;
          break;
        }
        shot.error = error instanceof Refusal ? error.message : "没有上传成功，请重试。";
        say(shot, shot.error, "wrong");
        await keep(shot);
      }
    }
    running = false;
  };

  let begun = null;
  const take = async (box, file) => {
    await begun; // what lay here before is known, or it would be counted with the new one
    const wait = one("[data-waiting]", box);
    wait.textContent = "正在缩小照片…";
    const small = await shrunk(file);
    if (small.size > MOST_BYTES) { wait.textContent = "文件太大，最多 12 MB，没有上传。"; return; }
    const shot = {
      ...placeOf(box), once: mark(), user: me, taken: await takenAt(file), kind: small.type || file.type,
      name: file.name || "photo.jpg", bytes: await small.arrayBuffer(), at: Date.now(),
    };
    await keep(shot);
    shots.push(shot);
    tell();
    await showLine(box, shot);
    flush(true);
  };

  all("[data-camera]").forEach((box) => {
    one(".shoot", box).hidden = false;
    all("[data-shoot]", box).forEach((input) => {
      input.addEventListener("input", (event) => event.stopPropagation());
      input.addEventListener("change", async (event) => {
        event.stopPropagation();
        const files = [...input.files];
        input.value = "";
        for (const file of files) await take(box, file);
      });
    });
  });

  const begin = async () => {
    kept = await database();
    const found = (await inStore("readonly", (store) => store.getAll())) || [];
    const mine = found.filter((shot) => shot.user === me && !shots.some((other) => other.once === shot.once));
    mine.sort((a, b) => a.at - b.at);
    shots = [...mine, ...shots];
    for (const shot of mine) {
      if (shot.error && shot.error.startsWith("登录")) delete shot.error;
      const box = all("[data-camera]").find((camera) => sameCamera(camera, shot));
      if (box) await showLine(box, shot);
    }
    tell();
    flush(true);
  };
  addEventListener("online", () => flush(true));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(true); });
  window.Pictures = { waiting: () => shots.length, flush: () => flush(true), send };

  // ---- Signing. The picture is filed first, then the form goes with its key.
  const INK = 24;
  const padOf = (box) => {
    const canvas = one("canvas", box);
    const field = one("[data-key-field]", box);
    const words = one("[data-say]", box);
    const before = one("[data-kept]", box);
    const brush = canvas.getContext("2d");
    const pad = { box, field, strokes: [], once: "", file: null };
    const speak = (text, wrong) => { words.textContent = text; words.classList.toggle("wrong", Boolean(wrong)); };

    const paint = () => {
      const ratio = devicePixelRatio || 1;
      canvas.width = Math.round(canvas.clientWidth * ratio);
      canvas.height = Math.round(canvas.clientHeight * ratio);
      brush.setTransform(ratio, 0, 0, ratio, 0, 0);
      brush.fillStyle = "#fff";
      brush.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
      brush.strokeStyle = brush.fillStyle = "#101820";
      brush.lineWidth = 2.6;
      brush.lineCap = brush.lineJoin = "round";
      pad.strokes.forEach((stroke) => {
        brush.beginPath();
        brush.moveTo(stroke[0][0], stroke[0][1]);
        stroke.forEach(([x, y], n) => {
          const [lastX, lastY] = stroke[Math.max(0, n - 1)];
          brush.quadraticCurveTo(lastX, lastY, (lastX + x) / 2, (lastY + y) / 2);
        });
        brush.lineTo(...stroke[stroke.length - 1]);
        brush.stroke();
      });
    };
    const fresh = () => {
      pad.once = mark();
      field.value = "";
      if (before) before.hidden = true;
      all("input[type=radio]", box).forEach((radio) => { radio.checked = false; });
    };
    const point = (event) => {
      const edge = canvas.getBoundingClientRect();
      return [event.clientX - edge.left, event.clientY - edge.top];
    };
    let drawing = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      pad.file = null;
      fresh();
      speak("");
      drawing = [point(event)];
      pad.strokes.push(drawing);
      paint();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drawing || !event.isPrimary) return;
      const moves = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      (moves.length ? moves : [event]).forEach((move) => drawing.push(point(move)));
      paint();
    });
    ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { drawing = null; }));
    pad.clear = () => { pad.strokes = []; pad.file = null; pad.once = ""; field.value = ""; if (before) before.hidden = true; speak(""); paint(); };
    one("[data-clear]", box).addEventListener("click", pad.clear);
    all("input[type=radio]", box).forEach((radio) => radio.addEventListener("change", pad.clear));
    const paper = one("[data-signed-paper]", box);
    paper.addEventListener("change", async (event) => {
      event.stopPropagation();
      const chosen = paper.files[0];
      paper.value = "";
      if (!chosen) return;
      pad.clear();
      fresh();
      pad.file = { taken: await takenAt(chosen), blob: await shrunk(chosen), name: chosen.name };
      speak(`已选签字件照片“${chosen.name}”，保存时一起上传。`);
    });

    const length = () => pad.strokes.reduce((sum, stroke) => sum + stroke.slice(1).reduce((part, [x, y], n) => part + Math.hypot(x - stroke[n][0], y - stroke[n][1]), 0), 0);
    pad.waits = () => Boolean(pad.once && !field.value && (pad.file || pad.strokes.length));
    pad.tooShort = () => !pad.file && length() < INK;
    pad.shot = async () => {
      const blob = pad.file ? pad.file.blob : await new Promise((done) => canvas.toBlob(done, "image/png"));
      return {
        ...placeOf(box), slot: pad.file ? "signed_paper" : "signature", once: pad.once, kind: blob.type,
        name: pad.file ? pad.file.name : "签名.png", taken: pad.file ? pad.file.taken : new Date().toISOString(),
        bytes: await blob.arrayBuffer(),
      };
    };
    pad.send = async () => {
      const shot = await pad.shot();
      for (let tries = 0; pad.once === shot.once; tries += 1) {
        try {
          const filed = await send(box, shot);
          if (pad.once !== shot.once) return false;
          field.value = filed.key;
          speak("签名已保存。");
          return true;
        } catch (error) {
          if (!(error instanceof Away)) { speak(error instanceof Refusal ? error.message.replace("照片还在本机", "签名还在页面上") : "签名没有保存，请重试。", true); return false; }
          speak(`${error.message}，请不要关闭页面。`, true);
          await new Promise((done) => { setTimeout(done, 1000 * PAUSES[Math.min(tries, PAUSES.length - 1)]); addEventListener("online", done, { once: true }); });
        }
      }
      return false;
    };
    pad.speak = speak;
    one(".draw", box).hidden = false;
    paint();
    addEventListener("resize", paint);
    new ResizeObserver(() => { if (canvas.clientWidth && Math.round(canvas.clientWidth * (devicePixelRatio || 1)) !== canvas.width) paint(); }).observe(canvas);
    return pad;
  };
  const pads = all("[data-pad]").map(padOf);
  // A page that keeps its forms itself takes the signature of a form that is about to go, and sends it before the form.
  window.Pictures.signing = (form) => pads.find((pad) => form.contains(pad.box) && pad.waits());
  const busy = new Set();
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const waiting = pads.filter((pad) => form.contains(pad.box) && pad.waits());
    if (!waiting.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (busy.has(form)) return;
    const short = waiting.find((pad) => pad.tooShort());
    if (short) { short.speak("签名太短，请重新签名。", true); return; }
    busy.add(form);
    const { submitter } = event;
    let done = true;
    for (const pad of waiting) {
      pad.speak("正在保存签名…");
      done = (await pad.send()) && done;
    }
    busy.delete(form);
    if (done) form.requestSubmit(submitter);
  }, true);

  begun = begin();
})();
