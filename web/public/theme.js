// Runs before the first paint, so that the page never flashes in the wrong theme.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('heart.theme');
  } catch (e) {
    // Storage may be switched off: the system's choice stands.
  }
  var light = chosen === 'light' || (chosen !== 'dark' && matchMedia('(prefers-color-scheme: light)').matches);
  document.documentElement.dataset.theme = light ? 'light' : 'dark';
})();
