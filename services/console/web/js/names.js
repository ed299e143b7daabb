// Stable names of the interface in the reader's language; a name that is not known is shown as it is.
import { known } from './i18n.js';

const named = (group) => (name) => known(`${group}.${name}`) ?? name;

export const channelName = named('channel');
export const labelName = named('label');
export const severityName = named('severity');
export const stateName = named('state');
export const deadlineName = named('deadline');
export const escalationName = named('escalation');
export const providerName = named('provider');
export const intentName = named('intent');
export const urgencyName = named('urgency');
export const emotionName = named('emotion');
export const stageName = named('journey');
export const roleName = named('role');
export const taskStateName = named('task');
export const causeName = named('cause');
export const auditName = named('audit');
export const deliveryStateName = named('delivery');
export const notificationName = named('notification');
export const actionName = named('action');
export const stepName = named('process');
export const topicName = (name) => (name === 'all' ? known('topic.all') : named('topic')(name));
export const actorName = (name) => (name === 'system' ? known('actor.system') : name);

/** The channels in the order of legends and filters. */
export const CHANNELS = ['hotline', 'wechat', 'weibo', 'social', 'survey', 'review', 'interview', 'other'];
