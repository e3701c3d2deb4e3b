import type { Dictionary } from '.';

export const zh: Dictionary = {
  ui: { close: '关闭', cancel: '取消', save: '保存', add: '添加', done: '完成', undo: '撤销', dismiss: '收起', loading: '加载中', tryAgain: '重试' },
  errors: {
    title: '没有加载成功', unknown: '此页面出了问题。请刷新；草稿已保留。', unreachable: '连接不到工作室。请确认它在运行，然后重试。', wrongPassword: '邮箱或密码不对。', emailTaken: '这个邮箱已有账户。', nameTaken: '这个名字已被使用，请换一个。',
    tooMany: '太频繁了。请稍等再试。', tooManyFor: '太频繁了。请在 {{seconds}} 秒后再试。', server: '工作室自身出了问题。请重试；若仍如此，请查看它的日志。', noReference: '歌曲要参照的音乐已不在这里。请另选音乐，或不选。',
  },
  nav: { label: '主导航', create: '创作', queue: '队列', library: '曲库', system: '系统', inQueue_one: '{{count}} 首正在路上', inQueue_other: '{{count}} 首正在路上' },
  shell: { skip: '跳到内容', home: 'Heart Studio', notFound: '这里什么也没有', notFoundText: '这个地址没有内容。歌曲或页面可能已移走。', toCreate: '写一首歌', lost: '工作室没有回应，正在重试；你输入的内容已保留。', offline: '你已离线。你输入的内容保存在此设备上。' },
  user: { menu: '{{name}} 的账户', profile: '个人资料', admin: '管理', keys: '快捷键', system: '跟随系统', light: '浅色主题', dark: '深色主题', signOut: '退出登录', install: '安装为应用' },
  keys: {
    title: '快捷键', listening: '聆听', everywhere: '任何地方', writing: '写作与比较', play: '播放或暂停', back: '后退 10 秒', forward: '前进 10 秒', nextPrevious: '下一首、上一首', mute: '静音', volume: '调高、调低', repeatShuffle: '循环、随机', listeningView: '聆听视图',
    palette: '查找一切', search: '搜索歌曲', toCreate: '创作', toQueue: '队列', toLibrary: '曲库', toSystem: '系统', help: '本列表', make: '制作', switch: '切换版本',
  },
  palette: { open: '查找一切', label: '命令与歌曲', placeholder: '页面、命令或歌曲', nothing: '没有这个名字。' },
  account: {
    welcome: '欢迎回来', welcomeText: '你的歌曲和草稿都在原处。', create: '开设账户', createText: '你的歌曲留在这个工作室，归你所有。', email: '邮箱', name: '名字', password: '密码', passwordAgain: '再输一次密码', passwordHint: '至少 6 个字符，一个长句最好。', invite: '邀请码', inviteHint: '这个工作室只对受邀者开放。',
    signIn: '登录', signingIn: '正在登录', createButton: '开设账户', creating: '正在开设', register: '开设一个', noAccount: '还没有账户？', haveAccount: '已有账户？', expired: '你已被登出。请重新登录；草稿已保留。', nameShort: '至少 3 个字符。', emailBad: '这不是邮箱地址。', passwordShort: '至少 6 个字符。', passwordsDiffer: '两次密码不同。',
    since: '{{date}} 加入', language: '语言', theme: '主题', changePassword: '修改密码', oldPassword: '当前密码', newPassword: '新密码', passwordChanged: '密码已修改，其他设备已登出。', everywhere: '在所有设备登出', everywhereText: '包括此设备和其他所有设备。', everywhereButton: '全部登出',
  },
  create: {
    heading: '创作歌曲', title: '标题', titlePlaceholder: '未命名歌曲', untitled: '未命名歌曲', startOver: '重新开始', cleared: '一张白纸。之前的草稿已保留。', earlier: '早先的草稿', noEarlier: '没有早先的草稿', noEarlierText: '草稿被替换时，旧的会留在这里。',
    why: { help: '写作辅助之前', recipe: '载入其他歌曲之前', cleared: '重新开始之前', made: '已制成歌曲', file: '打开文件之前' },
    idea: '给写作辅助的想法', ideaPlaceholder: '一句话的想法：铁皮屋顶上的雨，外婆家的夏天', songLanguage: '歌曲语言', write: '帮我写', writing: '正在写', written: '草稿已写好。你的原稿已保留。', sound: '听起来怎样', pickTags: '选择标签', addTag: '添加标签', addTagShort: '添加', tagsPlaceholder: '流派、情绪、乐器、人声',
    removeTag: '移除 {{tag}}', literal: '模型读到的', findTag: '查找标签，或自己写', tagsAdvice: '先选流派，再选人声、情绪和一两种乐器。少而清楚胜过多。', doneTags_one: '完成，{{count}} 个标签', doneTags_other: '完成，{{count}} 个标签',
    groups: { genre: '流派', mood: '情绪', instrument: '乐器', voice: '人声', scene: '场景', region: '地区', topic: '主题' },
    words: '唱什么', insert: '添加段落', order: '段落顺序', section: { intro: '前奏', verse: '主歌', prechorus: '导歌', chorus: '副歌', bridge: '桥段', outro: '尾奏', other: '段落' },
    sectionMenu: '段落 {{name}}', jump: '跳到那里', earlierUp: '前移', laterDown: '后移', removeSection: '删除段落', lyricsPlaceholder: '[Verse]\n你会唱的第一句\n和回应它的一句\n\n[Chorus]\n人们会记住的词',
    lines_one: '{{count}} 行', lines_other: '{{count}} 行', wordCount_one: '{{count}} 字', wordCount_other: '{{count}} 字', takes: '约唱 {{needed}}，共 {{of}}', noWordsYet: '还没有词', tooBig: '歌词有 {{bytes}} 字节；本工作室最多 {{limit}}。请缩短。',
    hint: {
      noSections: '把 [Verse] 和 [Chorus] 单独放一行：模型会遵循。', unknownSection: '[{{detail}}] 不是模型认识的段落，可能被唱出或忽略。', inlineNotes: '行内注释也会被唱出：“{{detail}}”。声音应写在标签里。', tooLong: '这些词约需 {{needed}}。{{seconds}} 内结尾会被截断。', tooShort: '{{seconds}} 里词太少：模型会重复或继续演奏。',
      instrumental: '没有词时，模型可能哼唱或自编。', loneTag: '单个标签常得到普通流行乐或静音。请加人声、情绪或乐器。', noTags: '没有标签时，由模型决定声音。',
    },
    howLong: '多大胆', duration: '最长时长', fine: '精细控制', changed_one: '{{count}} 项已改', changed_other: '{{count}} 项已改', temperature: '温度', temperatureText: '低则稳妥，高则冒险，也更易出错。', topk: '候选数 (top-k)', topkText: '考虑多少个下一声。少则集中，多则多样。', cfg: '引导', cfgText: '遵循标签和歌词的严格程度。过严会显得勉强。',
    takesLabel: '版本数', takesText: '同样的词，各有运气。比较后留下最好的。', seed: '种子', seedText: '每首歌重新抽取。', seedLockedText: '相同种子和设置得到相同的歌。', seedDrawn: '随机', lockSeed: '保留种子', unlockSeed: '每次重新抽取', drawSeed: '抽取种子', nextSeed: '种子 + 1', defaults: '恢复默认', presets: '预设', savePreset: '保存这些设置', presetName: '预设名称', presetTags: '包含标签',
    presetSaved: '“{{name}}”已保存。', removePreset: '移除 {{name}}', make: '制作', asking: '正在提交', lacking: '请先写一行词或选一个标签。', kept: '草稿已保留。', queued_one: '你的歌已进入队列。', queued_other: '{{count}} 个版本已进入队列。', seeQueue: '查看', promise: '最多 {{span}} 的音乐', promiseTakes: '{{count}} 个版本，各最多 {{span}}', promiseWork: '约需 {{span}}', promisePosition: '第 {{position}} 位', promiseNow: '立即开始',
  },
  making: {
    now: '正在制作', all: '整个队列', latest: '最近完成', idle: '现在没有在制作。', empty: '队列是空的', emptyText: '几行词和两个标签就够做第一首歌。', emptyAction: '写一首歌', endedTitle: '失败或已取消', count_one: '{{count}} 首在等待或制作中', count_other: '{{count}} 首在等待或制作中',
    phase: { waiting: '等待中', loading: '正在加载模型', composing: '作曲中', rendering: '生成声音', tagging: '封面与信息', ended: '完成' }, position: '第 {{position}} 位', eta: '约剩 {{span}}', composed: '已作曲', rendered: '可听', progress: '{{title}} 的进度', listen: '边制作边听 {{title}}', first: '下一个就做它', cancel: '取消 {{title}}',
    failed: '未能制作。', cancelled: '你取消了它。', kept: '词和设置已保留。', retry: '重试', edit: '先修改', forget: '移除', ready: '“{{title}}”完成了。', failedToast: '“{{title}}”未能制作，原因见队列。',
  },
  player: { label: '播放器', play: '播放', pause: '暂停', playPause: '播放或暂停', playAll: '全部播放', next: '下一首', previous: '上一首', shuffle: '随机', repeat: { off: '循环：关', all: '循环：全部', one: '循环：单曲' }, speed: '速度', volume: '音量', mute: '静音', unmute: '取消静音', position: '歌曲位置', live: '正在边制作边播放', open: '打开聆听视图', shut: '关闭聆听视图', listening: '聆听', close: '关闭播放器', failed: '这首歌无法播放，请重试。' },
  library: {
    songs_one: '{{count, number}} 首歌', songs_other: '{{count, number}} 首歌', search: '搜索标题、标签、歌词', favourites: '收藏', favourite: '收藏：{{title}}', order: '排序', orders: { newest: '最新在前', oldest: '最旧在前', title: '按标题', longest: '最长在前', tag_similarity: '与标签最相符' }, asTable: '表格显示', asCards: '卡片显示', bin: '回收站', binText: '歌曲在这里保留 30 天。', binEmpty: '回收站是空的', binEmptyText: '删除的歌曲会在这里保留 30 天。',
    back: '回到曲库', empty: '还没有歌曲', emptyText: '你做的每首歌都留在这里，连同它的一切设置。', nothingFound: '没有找到', nothingFoundText: '每个词都必须在标题、标签或歌词中。', clearSearch: '显示全部', play: '播放 {{title}}', select: '选择 {{title}}', chosen_one: '已选 {{count}} 首', chosen_other: '已选 {{count}} 首', chooseAll: '全选已显示', clearChoice: '取消选择', more: '{{title}} 的更多操作', details: '详情', again: '用这些设置再做一次', loaded: '配方已放入创作页。你的草稿已保留。',
    playNext: '加入播放列表末尾', addToPlaylist: '加入歌单', share: '分享', compare: '比较', remove: '删除', removed_one: '已移到回收站。', removed_other: '{{count}} 首已移到回收站。', restore: '移出回收站', restoreOne: '把 {{title}} 移出回收站', restored_one: '已回到曲库。', restored_other: '{{count}} 首已回到曲库。', download: '下载', format: { wav: 'WAV，原样', flac: 'FLAC，更小且无损', mp3: 'MP3，处处可播', opus: 'Opus，最小' }, downloadAs: { wav: '下载 WAV', flac: '下载 FLAC', mp3: '下载 MP3', opus: '下载 Opus' },
    rename: '重命名', lyrics: '歌词', noLyrics: '这首歌没有词。', findTimes: '找出每行何时唱到', timesWait: '正在等待聆听……', timesListen: '正在聆听每一行……', timesFailed: '没有成功，请稍后再试。', timesFull: '等待的歌曲太多，请稍后再试。', saveTimes: '带时间的歌词 (LRC)', timesSaveFailed: '无法获取文件。', recipe: '如何制成', allSettings: '全部设置', unknownSeed: '未知', takeLabel: '版本', take: '版本 {{number}}', takes: '版本', rating: '{{title}} 的评分', stars_one: '{{count}} 星', stars_other: '{{count}} 星', gone: '这首歌不在这里', goneText: '它可能在回收站，或属于别人。', copyLink: '复制这首歌的链接', linkCopied: '链接已复制，只对你有效；要给别人看请分享。', shareText: '拿到链接的人无需账户即可听这首歌并看歌词。',
    shareFor: '有效期', days_one: '{{count}} 天', days_other: '{{count}} 天', makeLink: '生成链接', link: '链接', copy: '复制', copied: '已复制', copyFailed: '浏览器不允许复制。请选中文字手动复制。', sharedUntil: '有效至 {{date}}', withdraw: '撤回全部链接', unshared: '这首歌的链接都已失效。', playlist: '歌单', playlists: '歌单', newPlaylist: '新歌单', playlistName: '歌单名称', added_one: '已加入“{{name}}”。', added_other: '{{count}} 首已加入“{{name}}”。', playlistEmpty: '还没有内容', playlistEmptyText: '在曲库中选歌并加入这个歌单。', playlistRemoved: '歌单已删除，歌曲仍在。',
    removePlaylist: '删除此歌单', noPlaylist: '这个歌单不在这里', moveUp: '上移 {{title}}', moveDown: '下移 {{title}}', takeOut: '把 {{title}} 移出歌单', column: { title: '标题', tags: '标签', length: '时长', rating: '评分', made: '制作时间', fit: '标签相符度' }, dropHere: '放下歌曲文件：打开它的配方', noRecipe: '“{{name}}”里没有 Heart 的配方。',
    cover: '封面', changeCover: '更换封面', coverOwn: '用自己的图片', coverModel: '让图像模型画一张', coverDrawn: '根据歌曲重新绘制', coverChanged: '封面已更换。', noPicture: '此浏览器无法读取这张图片。请试试 PNG 或 JPEG。', emptyBin: '清空回收站', purge: '彻底删除', purgeText_one: '{{count}} 首歌将连同声音和封面彻底删除，无法恢复。', purgeText_other: '{{count}} 首歌将连同声音和封面彻底删除，无法恢复。', purged_one: '已彻底删除 {{count}} 首歌。', purged_other: '已彻底删除 {{count}} 首歌。',
  },
  like: {
    title: '听起来像', text: '让歌曲参照的一段音乐：参照的是它的感觉，而不是谁的嗓音。', choose: '选择音乐', another: '选择其他音乐', remove: '移除“{{name}}”', unnamed: '一段音乐', strength: '强度', strengthText: '模型以 1 训练。0 等于没有参照。',
    licence: '权重的许可证', weights: '描述它的数字来自 {{model}}，其权重采用 {{licence}} 许可。', nonCommercial: '不可用于商业用途。', gone: '它已不在工作室里。请另选音乐，或将它移除。', inPreset: '连同参照的音乐', file: '音频文件',
    fileHint: 'WAV、FLAC、MP3、Ogg 或 Opus，最大 64 MiB。', notKept: '文件本身不会保留：只留下描述这段音乐的数字。', start: '开始于（秒）', seconds: '长度（秒）', secondsHint: '模型以 10 秒训练。', listen: '开始聆听', noFile: '请先选择文件。',
    tooLarge: '此文件超过 64 MiB。请截取片段，或存为 MP3。', between: '请输入 {{least}} 到 {{most}} 之间的数字。', earlier: '用过的', none: '还没有。工作室听过的会留在这里。', forget: '忘掉“{{name}}”', sending: '正在发送 {{name}}',
    listening: '正在聆听 {{name}}……', stop: '停止', wait: '工作室还在聆听歌曲要参照的音乐。请稍候，或停止聆听。', unreadable: '工作室无法读取此声音，或它在片段开始前就结束了。请换一个文件，或提前开始位置。', busy: '工作室正在聆听其他声音。请稍后再试。',
    absent: '工作室现在无法聆听。管理员可以添加 MuQ-MuLan。', late: '聆听用时过长。请用更短的片段再试。', loadedWithout: '配方已放入创作页，但不含它参照的音乐。你的草稿已保留。', likeSong: '像这首歌一样', more: '更多相似歌曲', similarity: '相似度 {{value}}',
    alone: '还没有其他足够了解的歌曲。', unknown: '工作室还不了解这首歌听起来如何。', find: '查找相似歌曲', findWait: '正在等待聆听……', findListen: '正在聆听……', findFailed: '没有成功，请稍后再试。', findFull: '等待的歌曲太多，请稍后再试。', fit: '与标签的相符度',
  },
  compare: { title: '比较版本', text: '都在同一位置，音量与最轻的一致。', hear: '听', hearing: '正在听', keys: 'X 切换到下一版本，1 到 8 选择，空格播放。', few: '需要两首歌', fewText: '请从有多个版本的歌曲打开此页。' },
  shared: { from: '由 Heart Studio 制作', gone: '这个链接已失效', goneText: '它已过期或被撤回。请向发送者要新的链接。' },
  hooks: {
    title: 'Webhook', text: '你的歌曲完成、失败或取消时通知的地址。', url: '地址', remove: '删除 {{url}}', secret: '密钥', secretOnce: '用这个密钥确认消息来自这里。只显示这一次。',
  },
  system: {
    text: '这个工作室是什么，现在能做什么。', api: 'API', gpu: '歌曲在这块显卡上制作。', cpu: '歌曲在这个处理器上制作。', pace: '一秒音乐约需 {{factor}} 秒。', model: '模型', loaded: '内存中', inMemory: '已加载', notInMemory: '随第一首歌加载', queue: '所有人的队列', help: '写作辅助', connected: '已连接', notConnected: '未连接', covers: '封面', coversBoth: '在此绘制，或由图像模型生成', coversOwn: '在此绘制', registration: '新账户', registrations: { open: '对所有人开放', invite: '需邀请', closed: '关闭' },
    media: '歌曲与封面', signed: '仅限签名地址', unsigned: '知道地址的人', limits: '限制', limitsText: '每次 {{takes}} 个版本，等待 {{waiting}} 首', version: '版本号',
    memory: '占用内存', made: '启动以来制作', madeText: '{{music}} 的音乐，用时 {{work}}',
  },
  admin: {
    text: '账户、邀请、所有人的队列、磁盘与备份。', only: '仅限管理员', onlyText: '你的账户无权查看此页。', users: '账户', admin: '管理员', disabled: '已停用', actions: '更改 {{name}}', change: '更改', makeAdmin: '设为管理员', takeAdmin: '取消管理员', disable: '停用', enable: '启用', deleteUser: '删除账户', deleteText: '这将永久删除 {{name}} 及其所有歌曲。输入名字以继续。', typeName: '账户名字', invites: '邀请', invite: '邀请某人', inviteOnce: '发送此链接。只显示这一次，可用于一个账户。', inviteLink: '邀请链接',
    inviteUntil: '{{date}}到期', noInvites: '没有未用的邀请。', removeInvite: '撤回邀请', queue: '所有人的队列', disk: '磁盘', audio_one: '{{count, number}} 首歌', audio_other: '{{count, number}} 首歌', coverFiles: '封面', cache: '其他格式，按需生成', database: '数据库', backups: '备份', free: '可用', backUp: '立即备份', backedUp: '备份已写好。', noBackups: '还没有备份。', downloadBackup: '下载 {{name}}', removeBackup: '删除 {{name}}',
    models: '模型', modelsText: '用来作曲的模型。新的从下次启动起使用。', pullModels: '下载推荐的模型', pullOne: '下载 {{name}}', modelHere: '已有', recommended: '推荐', stopPull: '停止下载', pullLooking: '正在查看已有内容…', pullFetching: '{{name}}：{{done}} / {{total}}', pullChecking: '正在校验 {{name}}…', pullDone: '全部就绪，从下次启动起使用。', pullCancelled: '已停止，已下载的部分会保留。', pullFailed: '下载失败：{{reason}}', notFree: '非自由', licenceOf: '{{name}} 的许可证', licenceText: '它采用 {{licence}}，不是自由许可证。简单地说（英文）：', acceptLicence: '我接受 {{licence}}', pullAccepted: '下载',
  },
};
