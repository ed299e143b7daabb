// 中文界面文字。键与 text_en.js 一致。
export default {
  'app.name': '闻声', 'app.tagline': '闻声而动',
  'nav.overview': '总览', 'nav.alerts': '预警', 'nav.feedback': '声音', 'nav.system': '系统', 'nav.label': '主导航',
  'brand.all': '全部品牌', 'brand.label': '品牌',
  'theme.switch': '切换深浅色', 'language.switch': 'Switch to English', 'language.short': 'EN',
  'account.logout': '退出登录', 'skip': '跳到主要内容',

  'live.live': '实时', 'live.connecting': '连接中', 'live.lost': '已断开',
  'live.banner': '实时连接已中断，正在重连。页面数据截至 {time}，时限倒计时仍在继续。',

  'login.title': '登录控制台', 'login.lead': '请粘贴访问令牌。首次启动时，令牌会在终端显示一次。',
  'login.token': '访问令牌', 'login.submit': '登录', 'login.busy': '正在登录…',
  'login.wrong': '令牌无效或已吊销，请核对后重试。', 'login.wait': '尝试次数过多，请稍后再试。',
  'login.more': '没有令牌？请管理员用 wensheng token create 签发。',

  'error.network': '无法连接服务，请检查网络或服务状态。', 'error.store': '服务暂时无法读取数据，稍后会自动重试。',
  'error.other': '出错了：{detail}', 'error.retry': '重试', 'loading': '加载中…', 'more': '加载更多',

  'time.ms': '{n} 毫秒', 'time.s': '{n} 秒', 'time.m': '{m} 分 {s} 秒', 'time.h': '{h} 小时 {m} 分', 'time.days': '{n} 天',
  'time.now': '刚刚', 'time.secondsAgo': '{n} 秒前', 'time.minutesAgo': '{n} 分钟前', 'time.hoursAgo': '{n} 小时前',
  'time.zone': '时间均为 {zone}',

  'range.label': '时间范围', 'range.1h': '1 小时', 'range.6h': '6 小时', 'range.24h': '24 小时', 'range.7d': '7 天', 'range.30d': '30 天', 'range.all': '全部',

  'kpi.today': '今日声量', 'kpi.today.of': '其中负面 {n}', 'kpi.volume': '时段声量', 'kpi.volume.of': '发声人数 {n}',
  'kpi.negative': '负面占比', 'kpi.nps': '净推荐值 NPS', 'kpi.csat': '满意度 CSAT', 'kpi.ces': '省力度 CES',
  'kpi.answers': '{n} 份作答', 'kpi.ces.of': '满分 7，越高越省力', 'kpi.noAnswers': '暂无作答',
  'kpi.open': '未办结预警', 'kpi.open.of': '待认领 {n}', 'kpi.overdue': '已超时 {n}',
  'kpi.next': '最近时限', 'kpi.next.none': '没有临近的时限',
  'kpi.change': '较上一时段', 'kpi.points': '{n} 个百分点',

  'chart.volume.1m': '每分钟声量', 'chart.volume.1h': '每小时声量', 'chart.volume.1d': '每日声量',
  'chart.bySentiment': '按情感', 'chart.byChannel': '按渠道', 'chart.mode': '堆叠方式', 'chart.empty': '这段时间还没有声音',
  'chart.emptyHint': '换个时间范围，或查看「全部」', 'chart.total': '合计',
  'channels.title': '渠道情感', 'topics.title': '话题负面占比', 'topics.hint': '按可信度下限排序，少量差评不会冲到前面',
  'keywords.title': '热词', 'latest.title': '最新声音', 'latest.all': '查看全部', 'empty.topics': '暂无负面话题', 'empty.keywords': '暂无热词',

  'label.positive': '正面', 'label.neutral': '中性', 'label.negative': '负面',
  'channel.hotline': '热线', 'channel.wechat': '微信', 'channel.weibo': '微博', 'channel.social': '社交媒体', 'channel.survey': '问卷',
  'channel.review': '评价', 'channel.interview': '访谈', 'channel.other': '其他',
  'severity.watch': '关注', 'severity.alert': '预警', 'severity.crisis': '危机',
  'state.raised': '待认领', 'state.acknowledged': '处置中', 'state.responding': '已首次响应', 'state.resolved': '已办结',
  'deadline.acknowledge': '认领时限', 'deadline.respond': '响应时限',
  'escalation.front_line': '一线值班', 'escalation.specialists': '专项小组', 'escalation.management': '管理层',
  'provider.wecom': '企业微信', 'provider.dingtalk': '钉钉', 'provider.feishu': '飞书', 'provider.webhook': 'Webhook', 'provider.email': '邮件',
  'role.viewer': '查看', 'role.responder': '处置', 'role.admin': '管理员', 'actor.system': '系统',
  'cause.rule_hit': '命中关键词规则', 'cause.negative_share': '负面占比超标', 'cause.burst': '负面突增', 'cause.silence': '数据源静默', 'cause.drill': '演练',

  'topic.all': '整体', 'topic.safety': '安全', 'topic.hygiene': '卫生', 'topic.service_attitude': '服务态度', 'topic.staff': '人员',
  'topic.waiting_time': '等待时间', 'topic.quality': '质量', 'topic.taste': '口味', 'topic.price': '价格', 'topic.logistics': '物流配送',
  'topic.after_sales': '售后', 'topic.environment': '环境', 'topic.location': '位置', 'topic.app': '应用与网站', 'topic.promotion': '促销活动',
  'topic.billing': '计费', 'topic.delivery': '配送', 'topic.facilities': '设施', 'topic.packaging': '包装', 'topic.marketing': '营销', 'topic.network': '网络', 'topic.refund': '退款',

  'intent.complaint': '投诉', 'intent.churn': '流失倾向', 'intent.enquiry': '咨询', 'intent.help_request': '求助', 'intent.praise': '表扬', 'intent.suggestion': '建议', 'intent.threat': '威胁曝光或维权',

  'alerts.open': '未办结', 'alerts.all': '全部', 'alerts.filter': '预警筛选', 'alerts.list': '预警列表', 'alerts.empty': '没有未办结的预警',
  'alerts.emptyHint': '一有风吹草动，这里会立即出现，并开始计时。', 'alerts.emptyAll': '还没有出现过预警', 'alerts.pick': '从左侧选择一条预警查看详情',
  'alerts.back': '返回列表', 'alerts.drill': '演练', 'alerts.signals': '{n} 个信号', 'alerts.notFound': '找不到这条预警，它可能已过保留期。',
  'alerts.left': '剩余', 'alerts.over': '已超时', 'alerts.strip': '{n} 条预警待认领', 'alerts.stripGo': '立即处理', 'alerts.noClock': '不计时',

  'clock.title': '响应时钟', 'clock.due': '截止 {time}', 'clock.met': '已完成 · 用时 {span}', 'clock.late': '超时 {over} 后完成 · 用时 {span}',
  'clock.void': '未完成即办结', 'clock.escalation': '当前通知层级：{level}', 'clock.none': '「关注」级预警不启动响应时钟。',
  'clock.nudged': '已催办 {list}',

  'action.acknowledge': '认领', 'action.respond': '登记首次响应', 'action.resolve': '办结',
  'action.note': '备注（可选）', 'action.notePlaceholder': '例如：已联系门店核实，拟 18:00 前发布说明',
  'action.busy': '正在提交…', 'action.pending': '「{action}」已记录，等待生效', 'action.slow': '「{action}」已记录，处置服务尚未执行，请留意系统状态。',
  'action.done': '「{action}」已生效', 'action.refused': '「{action}」未生效：预警的状态已经变化，请看时间线。', 'action.conflict': '未生效：{detail}', 'action.failed': '提交失败：{detail}',
  'action.unsure': '暂时无法确认是否已记录。再次点击会沿用同一编号，不会重复执行。', 'action.readonly': '当前令牌只能查看，不能处置预警。', 'action.closed': '此预警已办结。',

  'detail.causes': '触发原因', 'detail.channels': '涉及渠道', 'detail.samples': '代表性原声', 'detail.samplesNone': '没有可展示的原声',
  'detail.latency': '时效链路', 'detail.latencyTotal': '从首帖到推送共 {span}', 'detail.latencyOurs': '系统内用时 {span}', 'detail.timeline': '处置时间线', 'detail.deliveries': '推送记录',
  'detail.deliveriesNone': '还没有推送记录', 'detail.original': '查看原文', 'detail.followers': '粉丝 {n}', 'detail.link': '复制链接', 'detail.copied': '链接已复制',
  'step.first_post': '首帖发出', 'step.occurred': '触发帖发出', 'step.observed': '采集到', 'step.enriched': '分析完', 'step.detected': '判定风险', 'step.raised': '发出预警', 'step.pushed': '推送送达',
  'step.waiting': '等待推送',

  'event.raised': '预警发出（{kind}）', 'event.severity_raised': '级别升高：{from} → {to}', 'event.acknowledged': '已认领', 'event.responded': '已首次响应', 'event.resolved': '已办结',
  'event.nudged': '催办：{deadline}已用去 {percent}%', 'event.breached': '{deadline}已超时', 'event.escalated': '升级通知至{to}', 'event.refused': '操作未生效：{action}',

  'delivery.queued': '待推送', 'delivery.delivered': '已送达', 'delivery.failed': '失败', 'delivery.attempts': '第 {n} 次', 'delivery.next': '下次 {time}',
  'notification.raised': '新预警', 'notification.severity_raised': '级别升高', 'notification.nudge': '催办', 'notification.breach': '超时升级', 'notification.acknowledged': '已认领', 'notification.responded': '已首次响应', 'notification.resolved': '已办结',
  'column.time': '时间', 'column.actor': '操作人', 'column.action': '操作', 'column.object': '对象', 'column.detail': '说明',

  'feedback.filters': '筛选声音', 'feedback.channel': '全部渠道', 'feedback.topic': '全部话题', 'feedback.search': '搜索原文', 'feedback.any': '全部', 'feedback.clear': '清除筛选',
  'feedback.empty': '没有符合条件的声音', 'feedback.emptyHint': '放宽筛选条件试试', 'feedback.none': '还没有声音进来', 'feedback.noneHint': '接入数据源后，客户的声音会实时出现在这里。',
  'feedback.new': '{n} 条新声音，点击查看', 'feedback.end': '到底了', 'feedback.sentiment': '情感', 'feedback.original': '原文', 'feedback.drill': '演练',
  'feedback.scores': '评分',

  'system.stored': '已入库声音', 'system.windows': '统计窗口合计', 'system.agree': '与入库一致', 'system.differ': '相差 {n}', 'system.window.1m': '分钟', 'system.window.1h': '小时', 'system.window.1d': '日',
  'system.dead': '死信', 'system.pushes': '推送', 'system.tasks': '运行状态', 'system.deadTitle': '死信：无法处理的记录', 'system.deadNone': '没有死信，所有记录都已处理', 'system.payload': '查看内容',
  'system.deliveries': '最近推送', 'system.deliveriesNone': '还没有推送', 'system.audit': '操作审计', 'system.auditNone': '还没有操作记录', 'system.version': '版本 {version}',
  'system.tasksMore': '共 {n} 个任务', 'system.allRunning': '全部正常',
  'system.differHint': '处理中的数据与演练会造成差异',
  'source.title': '数据源', 'source.none': '没有配置数据源', 'source.name': '数据源', 'source.state': '状态', 'source.last': '最近数据', 'source.ok': '最近正常', 'source.lag': '滞后', 'source.well': '正常', 'source.silent': '静默', 'source.trouble': '中断',
  'task.starting': '启动中', 'task.running': '正常', 'task.waiting': '等待', 'task.stopped': '已停止', 'task.failed': '故障',
  'audit.subject.erase': '删除个人信息', 'audit.feedback.expire': '到期删除', 'audit.login': '登录', 'audit.login.refused': '登录被拒', 'audit.alert.acknowledge': '认领预警', 'audit.alert.respond': '登记首次响应', 'audit.alert.resolve': '办结预警',
};
