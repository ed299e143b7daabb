// Before the first paint: the visitor's language and theme, so that nothing flashes.
(function () {
  var root = document.documentElement;
  var kept = {};
  try { kept = JSON.parse(localStorage.getItem('wensheng') || '{}'); } catch (error) { kept = {}; }
  if (kept.theme === 'light' || kept.theme === 'dark') root.dataset.theme = kept.theme;
  root.lang = kept.language === 'en' ? 'en' : 'zh-CN';
})();
