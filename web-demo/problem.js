// Shows why a store could not be opened, and what the visitor can do about it. Both pages have the same section for it.

const ADVICE = {
  LOCKED: ['Open in another tab', 'One tab at a time keeps the store. Close the other one, then try again here.'],
  NO_SPACE: ['No room left', 'The browser has no space to keep the store. Free some, then try again.'],
  QUOTA_EXCEEDED: ['No room left', 'The browser allows this page no more space. Free some, then try again.'],
  CORRUPT: ['The stored copy is damaged', 'The store noticed before answering from it. It can be erased and indexed anew.'],
  VERSION: ['Stored by a newer version', 'This page is too old to read its own store. Reload it, or erase the stored copy.'],
  UNSUPPORTED: ['This browser cannot keep the store', 'It lacks something the store needs; the message says what.'],
  POISONED: ['The store has to be opened again', 'A write failed before. What was acknowledged is kept.'],
  WORKER_LOST: ['The worker stopped', 'What was acknowledged is kept. Try again to open it.'],
};
const ERASABLE = ['CORRUPT', 'VERSION'];

const $ = (id) => document.getElementById(id);

export function showProblem(error) {
  const [title, advice] = ADVICE[error.code] ?? ['It could not be opened', 'The message below says why.'];
  $('problem-code').textContent = error.code ?? 'ERROR';
  $('problem-title').textContent = title;
  $('problem-advice').textContent = advice;
  $('problem-message').textContent = error.file ? `${error.message} (${error.file})` : error.message;
  $('problem-erase').hidden = !ERASABLE.includes(error.code);
  $('problem').hidden = false;
  $('loading').hidden = true;
  $('status-open').textContent = 'not open';
}

export const hideProblem = () => {
  $('problem').hidden = true;
};
