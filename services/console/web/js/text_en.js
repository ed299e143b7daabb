// English words of the page. The keys are those of text_zh.js.
export default {
  'app.name': 'Wensheng', 'app.tagline': 'Hear the voice, act at once',
  'nav.overview': 'Overview', 'nav.alerts': 'Alerts', 'nav.feedback': 'Voices', 'nav.system': 'System', 'nav.label': 'Main navigation',
  'brand.all': 'All brands', 'brand.label': 'Brand',
  'theme.switch': 'Switch light or dark', 'language.switch': '切换到中文', 'language.short': '中',
  'account.logout': 'Log out', 'skip': 'Skip to content',

  'live.live': 'Live', 'live.connecting': 'Connecting', 'live.lost': 'Disconnected',
  'live.banner': 'The live connection broke and is being restored. Figures are as of {time}; deadlines keep running.',

  'login.title': 'Log in to the console', 'login.lead': 'Paste your access token. The first one was printed once in the terminal.',
  'login.token': 'Access token', 'login.submit': 'Log in', 'login.busy': 'Logging in…',
  'login.wrong': 'This token is wrong or revoked. Check it and try again.', 'login.wait': 'Too many attempts. Try again in a minute.',
  'login.more': 'No token? An administrator issues one with wensheng token create.',

  'error.network': 'The service cannot be reached. Check the network or the service.', 'error.store': 'The service cannot read its data right now; it will retry by itself.',
  'error.other': 'Something went wrong: {detail}', 'error.retry': 'Try again', 'loading': 'Loading…', 'more': 'Load more',

  'time.ms': '{n} ms', 'time.s': '{n} s', 'time.m': '{m} min {s} s', 'time.h': '{h} h {m} min', 'time.days': '{n} d',
  'time.now': 'just now', 'time.secondsAgo': '{n} s ago', 'time.minutesAgo': '{n} min ago', 'time.hoursAgo': '{n} h ago',
  'time.zone': 'All times in {zone}',

  'range.label': 'Time range', 'range.1h': '1 h', 'range.6h': '6 h', 'range.24h': '24 h', 'range.7d': '7 d', 'range.30d': '30 d', 'range.all': 'All',

  'kpi.today': 'Volume today', 'kpi.today.of': '{n} negative', 'kpi.volume': 'Volume in range', 'kpi.volume.of': '{n} authors',
  'kpi.negative': 'Negative share', 'kpi.nps': 'NPS', 'kpi.csat': 'CSAT', 'kpi.ces': 'CES',
  'kpi.answers': '{n} answers', 'kpi.ces.of': 'of 7, higher is easier', 'kpi.noAnswers': 'no answers',
  'kpi.open': 'Open alerts', 'kpi.open.of': '{n} unclaimed', 'kpi.overdue': '{n} overdue',
  'kpi.next': 'Next due', 'kpi.next.none': 'No deadline ahead',
  'kpi.change': 'against the period before', 'kpi.points': '{n} points',

  'chart.volume.1m': 'Volume per minute', 'chart.volume.1h': 'Volume per hour', 'chart.volume.1d': 'Volume per day',
  'chart.bySentiment': 'Sentiment', 'chart.byChannel': 'Channel', 'chart.mode': 'Stack by', 'chart.empty': 'No voices in this period',
  'chart.emptyHint': 'Choose another range, or “All”', 'chart.total': 'Total',
  'channels.title': 'Sentiment by channel', 'topics.title': 'Negative share by topic', 'topics.hint': 'Ordered by the lower confidence bound: a single complaint does not lead',
  'keywords.title': 'Keywords', 'latest.title': 'Latest voices', 'latest.all': 'See all', 'empty.topics': 'No negative topics', 'empty.keywords': 'No keywords yet',

  'label.positive': 'Positive', 'label.neutral': 'Neutral', 'label.negative': 'Negative',
  'channel.hotline': 'Hotline', 'channel.wechat': 'WeChat', 'channel.weibo': 'Weibo', 'channel.social': 'Social', 'channel.survey': 'Survey',
  'channel.review': 'Reviews', 'channel.interview': 'Interview', 'channel.other': 'Other',
  'severity.watch': 'Watch', 'severity.alert': 'Alert', 'severity.crisis': 'Crisis',
  'state.raised': 'Unclaimed', 'state.acknowledged': 'Being handled', 'state.responding': 'First response out', 'state.resolved': 'Resolved',
  'deadline.acknowledge': 'Acknowledge', 'deadline.respond': 'Respond',
  'escalation.front_line': 'front line', 'escalation.specialists': 'specialists', 'escalation.management': 'management',
  'provider.wecom': 'WeCom', 'provider.dingtalk': 'DingTalk', 'provider.feishu': 'Feishu', 'provider.webhook': 'Webhook', 'provider.email': 'Email',
  'role.viewer': 'viewer', 'role.responder': 'responder', 'role.admin': 'administrator', 'actor.system': 'system',
  'cause.rule_hit': 'keyword rule', 'cause.negative_share': 'negative share', 'cause.burst': 'burst', 'cause.silence': 'silent source', 'cause.drill': 'drill',

  'topic.all': 'Overall', 'topic.safety': 'Safety', 'topic.hygiene': 'Hygiene', 'topic.service_attitude': 'Service attitude', 'topic.staff': 'Staff',
  'topic.waiting_time': 'Waiting time', 'topic.quality': 'Quality', 'topic.taste': 'Taste', 'topic.price': 'Price', 'topic.logistics': 'Logistics',
  'topic.after_sales': 'After-sales', 'topic.environment': 'Environment', 'topic.location': 'Location', 'topic.app': 'App and website', 'topic.promotion': 'Promotion',
  'topic.billing': 'Billing', 'topic.delivery': 'Delivery', 'topic.facilities': 'Facilities', 'topic.packaging': 'Packaging', 'topic.marketing': 'Marketing', 'topic.network': 'Network', 'topic.refund': 'Refunds',

  'intent.complaint': 'Complaint', 'intent.churn': 'Leaving', 'intent.enquiry': 'Enquiry', 'intent.help_request': 'Asks for help', 'intent.praise': 'Praise', 'intent.suggestion': 'Suggestion', 'intent.threat': 'Threatens action',

  'alerts.open': 'Open', 'alerts.all': 'All', 'alerts.filter': 'Filter alerts', 'alerts.list': 'Alerts', 'alerts.empty': 'No open alerts',
  'alerts.emptyHint': 'When something stirs it appears here at once, with its clock running.', 'alerts.emptyAll': 'No alert was ever raised', 'alerts.pick': 'Choose an alert to see its details',
  'alerts.back': 'Back to the list', 'alerts.drill': 'Drill', 'alerts.signals': '{n} signals', 'alerts.notFound': 'This alert is not stored; it may be past its retention.',
  'alerts.left': 'left', 'alerts.over': 'overdue', 'alerts.strip': '{n} alerts unclaimed', 'alerts.stripGo': 'Handle now', 'alerts.noClock': 'no clock',

  'clock.title': 'Response clock', 'clock.due': 'due {time}', 'clock.met': 'Done in {span}', 'clock.late': 'Done {over} late, after {span}',
  'clock.void': 'Resolved before it was met', 'clock.escalation': 'Told so far: {level}', 'clock.none': 'A watch runs no response clock.',
  'clock.nudged': 'reminded at {list}',

  'action.acknowledge': 'Acknowledge', 'action.respond': 'First response is out', 'action.resolve': 'Resolve',
  'action.note': 'Note (optional)', 'action.notePlaceholder': 'e.g. the shop is checking; statement planned before 18:00',
  'action.busy': 'Sending…', 'action.pending': '“{action}” is recorded and about to take effect', 'action.slow': '“{action}” is recorded, but not carried out yet. Look at the system page.',
  'action.done': '“{action}” took effect', 'action.refused': '“{action}” had no effect: the alert had moved on. See the timeline.', 'action.conflict': 'No effect: {detail}', 'action.failed': 'Not sent: {detail}',
  'action.unsure': 'It is not certain that this was recorded. Clicking again uses the same id and acts once.', 'action.readonly': 'This token may look, but not act on alerts.', 'action.closed': 'This alert is resolved.',

  'detail.causes': 'Causes', 'detail.channels': 'Channels', 'detail.samples': 'What customers say', 'detail.samplesNone': 'No samples to show',
  'detail.latency': 'Latency budget', 'detail.latencyTotal': '{span} from first post to push', 'detail.latencyOurs': '{span} inside the service', 'detail.timeline': 'Timeline', 'detail.deliveries': 'Pushes',
  'detail.deliveriesNone': 'Nothing was pushed yet', 'detail.original': 'Open original', 'detail.followers': '{n} followers', 'detail.link': 'Copy link', 'detail.copied': 'Link copied',
  'step.first_post': 'First said', 'step.occurred': 'Said', 'step.observed': 'Observed', 'step.enriched': 'Analysed', 'step.detected': 'Detected', 'step.raised': 'Raised', 'step.pushed': 'Pushed',
  'step.waiting': 'push pending',

  'event.raised': 'Raised ({kind})', 'event.severity_raised': 'Severity rose: {from} → {to}', 'event.acknowledged': 'Acknowledged', 'event.responded': 'First response out', 'event.resolved': 'Resolved',
  'event.nudged': 'Reminder: {percent}% of the time to {deadline} is used', 'event.breached': 'Deadline missed: {deadline}', 'event.escalated': 'Escalated to {to}', 'event.refused': 'Had no effect: {action}',

  'delivery.queued': 'Queued', 'delivery.delivered': 'Delivered', 'delivery.failed': 'Failed', 'delivery.attempts': 'attempt {n}', 'delivery.next': 'next {time}',
  'notification.raised': 'Raised', 'notification.severity_raised': 'Severity rose', 'notification.nudge': 'Reminder', 'notification.breach': 'Deadline missed', 'notification.acknowledged': 'Acknowledged', 'notification.responded': 'Responded', 'notification.resolved': 'Resolved',
  'column.time': 'Time', 'column.actor': 'Who', 'column.action': 'Action', 'column.object': 'Object', 'column.detail': 'Detail',

  'feedback.filters': 'Filter voices', 'feedback.channel': 'All channels', 'feedback.topic': 'All topics', 'feedback.search': 'Search the text', 'feedback.any': 'All', 'feedback.clear': 'Clear filters',
  'feedback.empty': 'No voice fits these filters', 'feedback.emptyHint': 'Try wider ones', 'feedback.none': 'No voices yet', 'feedback.noneHint': 'Once a source is connected, customers are heard here as they speak.',
  'feedback.new': '{n} new voices, show them', 'feedback.end': 'That is all', 'feedback.sentiment': 'Sentiment', 'feedback.original': 'Original', 'feedback.drill': 'Drill',
  'feedback.scores': 'Scores',

  'system.stored': 'Voices stored', 'system.windows': 'Counted in windows', 'system.agree': 'agrees', 'system.differ': '{n} apart', 'system.window.1m': 'minutes', 'system.window.1h': 'hours', 'system.window.1d': 'days',
  'system.dead': 'Dead letters', 'system.pushes': 'Pushes', 'system.tasks': 'Tasks', 'system.deadTitle': 'Dead letters: records that could not be processed', 'system.deadNone': 'None: every record was processed', 'system.payload': 'Show content',
  'system.deliveries': 'Latest pushes', 'system.deliveriesNone': 'Nothing was pushed yet', 'system.audit': 'Audit trail', 'system.auditNone': 'Nothing was done yet', 'system.version': 'Version {version}',
  'system.tasksMore': '{n} tasks', 'system.allRunning': 'all running',
  'system.differHint': 'Data under way and drills make a difference',
  'source.title': 'Sources', 'source.none': 'No source is configured', 'source.name': 'Source', 'source.state': 'State', 'source.last': 'Latest voice', 'source.ok': 'Last well', 'source.lag': 'Lag', 'source.well': 'well', 'source.silent': 'silent', 'source.trouble': 'in trouble',
  'task.starting': 'starting', 'task.running': 'running', 'task.waiting': 'waiting', 'task.stopped': 'stopped', 'task.failed': 'failed',
  'audit.subject.erase': 'Removed a person', 'audit.feedback.expire': 'Deleted by retention', 'audit.login': 'Logged in', 'audit.login.refused': 'Login refused', 'audit.alert.acknowledge': 'Acknowledged alert', 'audit.alert.respond': 'First response', 'audit.alert.resolve': 'Resolved alert',
};
