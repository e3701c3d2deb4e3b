// Runs before the first paint, so that the page never flashes in the wrong theme.
(function () {
  var chosen = null;
  var inside = false;
  try {
    chosen = localStorage.getItem('heart.theme');
    inside = localStorage.getItem('heartmula_token') !== null;
  } catch (e) {
    // Storage may be switched off: the system's choice stands.
  }
  var light = chosen === 'light' || (chosen !== 'dark' && matchMedia('(prefers-color-scheme: light)').matches);
  document.documentElement.dataset.theme = light ? 'light' : 'dark';
  // The mark that is there before the page is, stands where the page will have it.
  document.documentElement.toggleAttribute('data-inside', inside);
})();
