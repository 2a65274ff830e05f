// Brings in what has changed, and makes the page handier. Everything works without it, too, but for
// looking for the role. The server makes all that is shown; nothing is built from text here.
(() => {
  'use strict';
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const here = location.pathname.replace(/\/$/, '');
  const say = text => { const place = one('#say'); if (place && place.textContent !== text) place.textContent = text; };

  // Copying.
  const copy = async text => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* Not everywhere. */ }
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'unseen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  };
  const addCopying = within => all('[data-copy]', within).forEach(figure => {
    if (one('.copy', figure)) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', 'Copy: ' + one('figcaption', figure).textContent);
    button.addEventListener('click', async () => {
      const done = await copy(one('pre', figure).textContent);
      button.textContent = done ? 'Copied' : 'Press Ctrl+C';
      if (!done) getSelection().selectAllChildren(one('pre', figure));
      say(done ? 'Copied.' : 'Selected: press Control and C.');
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    });
    one('figcaption', figure).append(button);
  });

  // Tabs. Source of the keys: WAI-ARIA Authoring Practices, "Tabs Pattern".
  const addTabs = within => all('[data-tabs]', within).forEach(box => {
    if (box.dataset.on !== undefined) return;
    const panels = all(':scope > [data-tab]', box);
    const list = document.createElement('div');
    list.className = 'tablist';
    list.setAttribute('role', 'tablist');
    list.setAttribute('aria-label', box.dataset.tabs);
    const tabs = panels.map(panel => {
      const tab = document.createElement('button');
      tab.type = 'button';
      tab.className = 'tab';
      tab.id = 'tab-' + panel.id;
      tab.textContent = panel.dataset.tab;
      tab.setAttribute('role', 'tab');
      tab.setAttribute('aria-controls', panel.id);
      panel.setAttribute('role', 'tabpanel');
      panel.setAttribute('aria-labelledby', tab.id);
      list.append(tab);
      return tab;
    });
    const choose = (chosen, focus) => tabs.forEach((tab, n) => {
      tab.setAttribute('aria-selected', String(n === chosen));
      tab.tabIndex = n === chosen ? 0 : -1;
      panels[n].hidden = n !== chosen;
      if (focus && n === chosen) tab.focus();
    });
    tabs.forEach((tab, n) => tab.addEventListener('click', () => choose(n)));
    list.addEventListener('keydown', event => {
      const n = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: n + 1, ArrowLeft: n - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (n < 0 || to === undefined) return;
      event.preventDefault();
      choose((to + tabs.length) % tabs.length, true);
    });
    box.prepend(list);
    box.dataset.on = '';
    choose(0);
  });

  // The form of the role's ARN, as the server checks it.
  const fault = (text, field) => {
    const parts = /^arn:([a-z-]+):iam::([^:]*):role\/(.*)$/.exec(text);
    if (!text) return 'Paste the ARN of the role.';
    if (!/^arn:/.test(text)) return 'An ARN begins with arn: and not with the name of the role.';
    if (!parts) return 'This is not the ARN of a role: that has the form arn:aws:iam::ACCOUNT:role/NAME.';
    const [, partition, account, path] = parts;
    const { dataset } = field;
    if (partition !== dataset.partition) return 'The role must be in the partition ' + dataset.partition + '.';
    if (!/^\d{12}$/.test(account)) return 'The account in the ARN must have 12 digits.';
    if (account === dataset.provider) return "This is a role of the provider's account. Paste one of yours.";
    if (dataset.account && account !== dataset.account) return 'The role must be in account ' + dataset.account + '.';
    if (!/^([\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/.test(path)) return 'The name has a character that names of roles cannot have, or is too long.';
    if (dataset.name && path.split('/').pop() !== dataset.name) return 'The role must be called ' + dataset.name + '.';
    return '';
  };
  const addChecking = within => {
    const field = one('#role_arn', within);
    if (!field) return;
    const place = one('#role_error');
    const show = text => {
      place.textContent = text;
      if (text) field.setAttribute('aria-invalid', 'true'); else field.removeAttribute('aria-invalid');
    };
    const check = () => fault(field.value.trim(), field);
    let left = false;
    field.addEventListener('blur', () => { if (field.value.trim()) { left = true; show(check()); } });
    field.addEventListener('input', () => {
      const pasted = field.value.trim().length > 30;
      if (left || pasted || field.getAttribute('aria-invalid')) show(field.value.trim() ? check() : '');
    });
    field.form.addEventListener('submit', event => {
      const text = check();
      show(text);
      if (text) { event.preventDefault(); field.focus(); }
    });
  };

  // What has changed.
  const fragment = async (path, accept) => {
    const response = await fetch(path, { headers: { Accept: accept }, cache: 'no-store', credentials: 'omit' });
    if (response.status === 404 || response.status === 410) { stopped = true; location.reload(); }
    if (!response.ok) throw new Error(response.status);
    return response;
  };
  const parsed = async response => new DOMParser().parseFromString(await response.text(), 'text/html');
  const enhance = within => { addCopying(within); addTabs(within); addChecking(within); addLooking(within); };
  const keep = (old, fresh) => {
    const open = all('details[id]', old).filter(details => details.open).map(details => details.id);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const owner = focused && focused.closest('[id]');
    const tag = focused && focused.tagName;
    old.replaceWith(fresh);
    open.forEach(id => { const details = document.getElementById(id); if (details) details.open = true; });
    const target = owner && document.getElementById(owner.id);
    if (target) (target.tagName === tag ? target : one(tag.toLowerCase(), target) || target).focus();
  };

  const FIRST = 700;
  const LAST = 15000;
  let wait = FIRST;
  let shown = '';
  let timer;
  let stopped = false;
  const busy = () => { const now = one('#progress'); return !!now && now.dataset.busy !== undefined; };
  const next = (soon) => {
    clearTimeout(timer);
    if (stopped || document.hidden || !(busy() || looks)) return;
    if (soon) wait = FIRST;
    timer = setTimeout(refresh, wait);
    wait = Math.min(wait * 1.25, LAST);
  };
  const refresh = async () => {
    clearTimeout(timer);
    try {
      const old = one('#progress');
      if (!old) return;
      const fresh = one('#progress', await parsed(await fragment(here + '/status', 'text/html')));
      if (fresh.dataset.state !== old.dataset.state) {
        const main = one('main', await parsed(await fragment(here, 'text/html')));
        looks = false;
        one('main').replaceWith(main);
        enhance(document);
        scrollTo(0, 0);
        main.focus({ preventScroll: true });
      } else if (fresh.outerHTML !== shown) {
        shown = fresh.outerHTML;
        keep(old, fresh);
        addCopying(fresh);
      }
      if (looks) await tellLooking();
      else say(one('#progress').dataset.say);
    } catch { /* The next time. */ }
    next();
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(timer); else if (!stopped) { wait = FIRST; refresh(); }
  });

  // Looking for the role, where that is offered.
  let looks = false;
  const clock = text => new Date(text).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const tell = looking => {
    const place = one('#looking');
    if (!place) return;
    looks = !!looking;
    // Whoever has just made the role asks again, and does not wait for the next attempt.
    one('#look button').disabled = false;
    if (!looking) {
      if (place.textContent) {
        place.textContent = 'The role was not found in this time. Press the button to look again.';
        say(place.textContent);
      }
      return;
    }
    place.textContent = 'Looking for the role. Tried ' + looking.attempts + (looking.attempts === 1 ? ' time' : ' times')
      + (looking.next_at ? ', next at ' + clock(looking.next_at) : '')
      + (looking.until ? '; this goes on until ' + clock(looking.until) : '') + '.';
    say('Looking for the role.');
  };
  const tellLooking = async () => {
    const status = await (await fragment(here + '/status', 'application/json')).json();
    tell(status.looking);
    return status;
  };
  const addLooking = async within => {
    const box = one('#look', within);
    if (!box) return;
    try {
      const status = await tellLooking();
      if (!('looking' in status)) return;
    } catch { return; }
    box.hidden = false;
    const field = one('#account_id', box);
    one('form', box).addEventListener('submit', async event => {
      event.preventDefault();
      const error = one('#look_error');
      const account = field ? field.value.replace(/[\s-]/g, '') : '';
      error.textContent = field && !/^\d{12}$/.test(account) ? 'An AWS account ID has 12 digits.' : '';
      if (field) field.setAttribute('aria-invalid', String(!!error.textContent));
      if (error.textContent) { field.focus(); return; }
      const button = one('button', box);
      button.disabled = true;
      try {
        const response = await fetch(here + '/look', {
          method: 'POST', credentials: 'omit',
          headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
          body: JSON.stringify(field ? { account_id: account } : {}),
        });
        const told = await response.json().catch(() => ({}));
        if (response.ok) { tell(told.looking); looks = true; next(true); return; }
        if (response.status === 404 && told.code === 'route_not_found') { box.hidden = true; return; }
        error.textContent = told.detail || 'That did not work. Try again in a moment.';
      } catch { error.textContent = 'The page could not be reached. Try again in a moment.'; }
      button.disabled = false;
    });
    next(true);
  };

  enhance(document);
  next(true);
})();
