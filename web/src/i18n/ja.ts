import type { Dictionary } from '.';

export const ja: Dictionary = {
  ui: { close: '閉じる', cancel: 'やめる', save: '保存', add: '追加', done: '完了', undo: '元に戻す', dismiss: '消す', loading: '読み込み中', tryAgain: 'もう一度' },
  errors: {
    title: '読み込めませんでした', unknown: 'このページで問題が起きました。再読み込みしてください。下書きは残っています。', unreachable: 'スタジオにつながりません。動いているか確かめて、もう一度試してください。', wrongPassword: 'メールかパスワードが違います。', emailTaken: 'このメールのアカウントはすでにあります。', nameTaken: 'この名前は使われています。別の名前を選んでください。',
    tooMany: '回数が多すぎます。少し待ってから試してください。', tooManyFor: '回数が多すぎます。{{seconds}} 秒後に試してください。', server: 'スタジオ側で問題が起きました。もう一度試し、続くならログを見てください。',
  },
  nav: { label: 'メイン', create: '作る', queue: '待ち行列', library: 'ライブラリ', system: 'システム', inQueue_one: '{{count}} 曲が進行中', inQueue_other: '{{count}} 曲が進行中' },
  shell: { skip: '本文へ', home: 'Heart Studio', notFound: 'ここには何もありません', notFoundText: 'このアドレスの先には何もありません。曲やページが移ったのかもしれません。', toCreate: '曲を書く', lost: 'スタジオが応答しません。再試行中です。入力は残ります。', offline: 'オフラインです。入力はこの端末に残ります。' },
  user: { menu: '{{name}} のアカウント', profile: 'プロフィール', admin: '管理', keys: 'キー', system: 'システムに合わせる', light: '明るいテーマ', dark: '暗いテーマ', signOut: 'サインアウト', install: 'アプリとして入れる' },
  keys: {
    title: 'キー', listening: '聴く', everywhere: 'どこでも', writing: '書く・比べる', play: '再生・一時停止', back: '10 秒戻る', forward: '10 秒進む', nextPrevious: '次・前', mute: 'ミュート', volume: '大きく・小さく', repeatShuffle: 'リピート・シャッフル', listeningView: '鑑賞画面',
    palette: '何でも探す', search: '曲を検索', toCreate: '作る', toQueue: '待ち行列', toLibrary: 'ライブラリ', toSystem: 'システム', help: 'このキー一覧', make: '作る', switch: 'テイクを切り替える',
  },
  palette: { open: '何でも探す', label: 'コマンドと曲', placeholder: 'ページ、コマンド、曲', nothing: 'その名前のものはありません。' },
  account: {
    welcome: 'おかえりなさい', welcomeText: '曲も下書きも、置いたままの場所にあります。', create: 'アカウントを開く', createText: '曲はこのスタジオに残り、あなたのものです。', email: 'メール', name: '名前', password: 'パスワード', passwordAgain: 'パスワードをもう一度', passwordHint: '6 文字以上。長い文が最適です。', invite: '招待', inviteHint: 'このスタジオは招待された人だけのものです。',
    signIn: 'サインイン', signingIn: 'サインイン中', createButton: 'アカウントを開く', creating: '作成中', register: '開く', noAccount: 'アカウントがまだない？', haveAccount: 'アカウントがある？', expired: 'サインアウトされました。もう一度サインインしてください。下書きは残っています。', nameShort: '3 文字以上。', emailBad: 'メールアドレスではありません。', passwordShort: '6 文字以上。', passwordsDiffer: '二つのパスワードが違います。',
    since: '{{date}} から', language: '言語', theme: 'テーマ', changePassword: 'パスワードを変える', oldPassword: '今のパスワード', newPassword: '新しいパスワード', passwordChanged: 'パスワードを変えました。他の端末はサインアウトされました。', everywhere: 'すべてでサインアウト', everywhereText: 'この端末と他のすべての端末で。', everywhereButton: 'すべてサインアウト',
  },
  create: {
    heading: '曲を作る', title: 'タイトル', titlePlaceholder: '無題の曲', untitled: '無題の曲', startOver: 'やり直す', cleared: '白紙にしました。前の下書きは残っています。', earlier: '以前の下書き', noEarlier: '以前の下書きはありません', noEarlierText: '下書きが置き換わると、前のものがここに残ります。',
    why: { help: '執筆支援の前', recipe: '別の曲を読み込む前', cleared: 'やり直す前', made: '曲にした', file: 'ファイルを開く前' },
    idea: '執筆支援へのアイデア', ideaPlaceholder: '一文のアイデア：トタン屋根の雨、祖母の家の夏', songLanguage: '曲の言語', write: '書いてもらう', writing: '執筆中', written: '下書きができました。元のものは残っています。', sound: 'どんな音か', pickTags: 'タグを選ぶ', addTag: 'タグを追加', addTagShort: '追加', tagsPlaceholder: 'ジャンル、雰囲気、楽器、声',
    removeTag: '{{tag}} を外す', literal: 'モデルが読む形', findTag: 'タグを探す、または書く', tagsAdvice: 'まずジャンル、次に声、雰囲気、楽器を一つか二つ。少なく明確なほうが効きます。', doneTags_one: '完了、タグ {{count}} 個', doneTags_other: '完了、タグ {{count}} 個',
    groups: { genre: 'ジャンル', mood: '雰囲気', instrument: '楽器', voice: '声', scene: '場面', region: '地域', topic: 'テーマ' },
    words: '何を歌うか', insert: 'セクションを追加', order: 'セクションの順', section: { intro: 'イントロ', verse: 'Aメロ', prechorus: 'Bメロ', chorus: 'サビ', bridge: 'ブリッジ', outro: 'アウトロ', other: 'セクション' },
    sectionMenu: 'セクション {{name}}', jump: 'そこへ移る', earlierUp: '前へ', laterDown: '後ろへ', removeSection: 'セクションを消す', lyricsPlaceholder: '[Verse]\n最初に歌う一行\nそれに応える一行\n\n[Chorus]\n人が覚える言葉',
    lines_one: '{{count}} 行', lines_other: '{{count}} 行', wordCount_one: '{{count}} 語', wordCount_other: '{{count}} 語', takes: '歌うと約 {{needed}}、全体 {{of}}', noWordsYet: 'まだ言葉がありません', tooBig: '歌詞は {{bytes}} バイトです。このスタジオの上限は {{limit}} です。短くしてください。',
    hint: {
      noSections: '[Verse] と [Chorus] を独立した行に置くと、モデルが従います。', unknownSection: '[{{detail}}] はモデルの知らないセクションです。歌われるか、無視されます。', inlineNotes: '行の中の注も歌われます：「{{detail}}」。音のことはタグへ。', tooLong: 'この言葉には約 {{needed}} 必要です。{{seconds}} では終わりが切れます。', tooShort: '{{seconds}} には言葉が少なく、行を繰り返すか演奏が続きます。',
      instrumental: '言葉がないと、ハミングや作った言葉になることがあります。', loneTag: 'タグ一つだと平凡なポップや無音になりがちです。声、雰囲気、楽器を足してください。', noTags: 'タグがないと、モデルが音を選びます。',
    },
    howLong: 'どれだけ冒険するか', duration: '最長の長さ', fine: '細かい設定', changed_one: '{{count}} 件変更', changed_other: '{{count}} 件変更', temperature: '温度', temperatureText: '低いと堅実、高いと冒険し、つまずきも増えます。', topk: '候補 (top-k)', topkText: '次の音の候補数。少ないと集中、多いと多彩。', cfg: 'ガイダンス', cfgText: 'タグと歌詞に従う厳しさ。厳しすぎると無理な音になります。',
    takesLabel: 'テイク', takesText: '同じ言葉から、それぞれの運で。比べて一番を残します。', seed: 'シード', seedText: '曲ごとに引き直します。', seedLockedText: '同じシードと設定なら同じ曲になります。', seedDrawn: '自動', lockSeed: 'シードを固定', unlockSeed: '毎回引き直す', drawSeed: 'シードを引く', nextSeed: 'シード + 1', defaults: '標準に戻す', presets: 'プリセット', savePreset: 'この設定を保存', presetName: 'プリセット名', presetTags: 'タグも含める',
    presetSaved: '「{{name}}」を保存しました。', removePreset: '{{name}} を消す', make: '作る', asking: '依頼中', lacking: 'まず一行書くか、タグを一つ選んでください。', kept: '下書きは残っています。', queued_one: '曲が待ち行列に入りました。', queued_other: '{{count}} テイクが待ち行列に入りました。', seeQueue: '見る', promise: '最長 {{span}} の音楽', promiseTakes: '最長 {{span}} を {{count}} テイク', promiseWork: '約 {{span}} で完成', promisePosition: '{{position}} 番目', promiseNow: 'すぐ始まります',
  },
  making: {
    now: '進行中', all: '待ち行列すべて', latest: '最近の曲', idle: '今は何も作っていません。', empty: '待ち行列は空です', emptyText: '数行とタグ二つで最初の曲ができます。', emptyAction: '曲を書く', endedTitle: '失敗・取り消し', count_one: '{{count}} 曲が待機中または制作中', count_other: '{{count}} 曲が待機中または制作中',
    phase: { waiting: '待機中', loading: 'モデルを読み込み中', composing: '作曲中', rendering: '音を生成中', tagging: 'ジャケットと情報', ended: '完了' }, position: '{{position}} 番目', eta: '残り約 {{span}}', composed: '作曲済み', rendered: '聴ける長さ', progress: '{{title}} の進み具合', listen: '制作中の {{title}} を聴く', first: '次に作る', cancel: '{{title}} を取り消す',
    failed: '作れませんでした。', cancelled: '取り消しました。', kept: '言葉と設定は残っています。', retry: 'もう一度', edit: '直してから', forget: '消す', ready: '「{{title}}」ができました。', failedToast: '「{{title}}」は作れませんでした。理由は待ち行列にあります。',
  },
  player: { label: 'プレーヤー', play: '再生', pause: '一時停止', playPause: '再生・一時停止', playAll: 'すべて再生', next: '次', previous: '前', shuffle: 'シャッフル', repeat: { off: 'リピート：オフ', all: 'リピート：すべて', one: 'リピート：この曲' }, speed: '速さ', volume: '音量', mute: 'ミュート', unmute: 'ミュート解除', position: '曲の位置', live: '作りながら再生しています', open: '鑑賞画面を開く', shut: '鑑賞画面を閉じる', listening: '鑑賞', close: 'プレーヤーを閉じる', failed: 'この曲を再生できません。もう一度試してください。' },
  library: {
    songs_one: '{{count, number}} 曲', songs_other: '{{count, number}} 曲', search: 'タイトル、タグ、歌詞を検索', favourites: 'お気に入り', favourite: 'お気に入り：{{title}}', order: '並び順', orders: { newest: '新しい順', oldest: '古い順', title: 'タイトル順', longest: '長い順' }, asTable: '表で見る', asCards: 'カードで見る', bin: 'ごみ箱', binText: '曲は 30 日間ここに残ります。', binEmpty: 'ごみ箱は空です', binEmptyText: '消した曲は 30 日間ここに残ります。',
    back: 'ライブラリへ戻る', empty: 'まだ曲がありません', emptyText: '作った曲はすべて、作り方とともにここに残ります。', nothingFound: '見つかりません', nothingFoundText: 'どの語もタイトル、タグ、歌詞のどこかに必要です。', clearSearch: 'すべて表示', play: '{{title}} を再生', select: '{{title}} を選ぶ', chosen_one: '{{count}} 曲選択', chosen_other: '{{count}} 曲選択', chooseAll: '表示分すべて', clearChoice: '選択を解除', more: '{{title}} のその他', details: '詳細', again: 'この設定でもう一度作る', loaded: 'レシピを「作る」に開きました。下書きは残っています。',
    playNext: '再生列に追加', addToPlaylist: 'プレイリストに追加', share: '共有', compare: '比べる', remove: '消す', removed_one: 'ごみ箱に移しました。', removed_other: '{{count}} 曲をごみ箱に移しました。', restore: 'ごみ箱から戻す', restoreOne: '{{title}} をごみ箱から戻す', restored_one: 'ライブラリに戻りました。', restored_other: '{{count}} 曲がライブラリに戻りました。', download: 'ダウンロード', format: { wav: 'WAV、作られたまま', flac: 'FLAC、小さく劣化なし', mp3: 'MP3、どこでも再生', opus: 'Opus、最小' }, downloadAs: { wav: 'WAV をダウンロード', flac: 'FLAC をダウンロード', mp3: 'MP3 をダウンロード', opus: 'Opus をダウンロード' },
    rename: '名前を変える', lyrics: '歌詞', noLyrics: 'この曲に言葉はありません。', findTimes: '各行が歌われる時刻を調べる', timesWait: '聴き取りの順番を待っています…', timesListen: '各行を聴き取っています…', timesFailed: 'うまくいきませんでした。後でもう一度お試しください。', timesFull: '待っている曲が多すぎます。後でもう一度お試しください。', saveTimes: '時刻つきの歌詞 (LRC)', timesSaveFailed: 'ファイルを取得できませんでした。', recipe: '作り方', allSettings: 'すべての設定', unknownSeed: '不明', takeLabel: 'テイク', take: 'テイク {{number}}', takes: 'テイク', rating: '{{title}} の評価', stars_one: '星 {{count}}', stars_other: '星 {{count}}', gone: 'この曲はここにありません', goneText: 'ごみ箱にあるか、他の人のものかもしれません。', copyLink: 'この曲のリンクをコピー', linkCopied: 'コピーしました。あなた用のリンクです。人に見せるには共有してください。', shareText: 'リンクを持つ人は、アカウントなしでこの曲を聴き、歌詞を読めます。',
    shareFor: '期間', days_one: '{{count}} 日', days_other: '{{count}} 日', makeLink: 'リンクを作る', link: 'リンク', copy: 'コピー', copied: 'コピーしました', copyFailed: 'ブラウザがコピーを許しません。選択してコピーしてください。', sharedUntil: '{{date}} まで有効', withdraw: 'すべてのリンクを取り消す', unshared: 'この曲のリンクはすべて無効です。', playlist: 'プレイリスト', playlists: 'プレイリスト', newPlaylist: '新しいプレイリスト', playlistName: 'プレイリスト名', added_one: '「{{name}}」に追加しました。', added_other: '{{count}} 曲を「{{name}}」に追加しました。', playlistEmpty: 'まだ何もありません', playlistEmptyText: 'ライブラリで曲を選び、このリストに追加してください。', playlistRemoved: 'プレイリストは消えました。曲は残ります。',
    removePlaylist: 'このプレイリストを消す', noPlaylist: 'このプレイリストはここにありません', moveUp: '{{title}} を上へ', moveDown: '{{title}} を下へ', takeOut: '{{title}} をリストから外す', column: { title: 'タイトル', tags: 'タグ', length: '長さ', rating: '評価', made: '作成' }, dropHere: '曲を落とすと、レシピが開きます', noRecipe: '「{{name}}」に Heart のレシピはありません。',
    cover: 'ジャケット', changeCover: 'ジャケットを変える', coverOwn: '自分の画像', coverModel: '画像モデルに描かせる', coverDrawn: '曲から描き直す', coverChanged: 'ジャケットを変えました。', noPicture: 'このブラウザーでは読めない画像です。PNG か JPEG を試してください。', emptyBin: 'ゴミ箱を空にする', purge: '完全に消す', purgeText_one: '{{count}} 曲が音とジャケットごと完全に消えます。元には戻せません。', purgeText_other: '{{count}} 曲が音とジャケットごと完全に消えます。元には戻せません。', purged_one: '{{count}} 曲を完全に消しました。', purged_other: '{{count}} 曲を完全に消しました。',
  },
  compare: { title: 'テイクを比べる', text: '同じ位置、一番静かな音量に合わせて。', hear: '聴く', hearing: '再生中', keys: 'X で次のテイク、1〜8 で選択、スペースで再生。', few: '二曲必要です', fewText: '複数テイクのある曲から開いてください。' },
  shared: { from: 'Heart Studio で制作', gone: 'このリンクは使えません', goneText: '期限切れか取り消されました。送った人に新しいものを頼んでください。' },
  hooks: {
    title: 'Webhook', text: 'あなたの曲が完成・失敗・中止になったときに知らせる先です。', url: 'アドレス', remove: '{{url}} を消す', secret: '秘密の鍵', secretOnce: 'この鍵で、届いた知らせが本物か確かめられます。表示は今回だけです。',
  },
  system: {
    text: 'このスタジオの今の姿とできること。', api: 'API', gpu: 'このグラフィックカードで曲を作ります。', cpu: 'このプロセッサで曲を作ります。', pace: '音楽 1 秒に約 {{factor}} 秒。', model: 'モデル', loaded: 'メモリ', inMemory: '読み込み済み', notInMemory: '最初の曲で読み込み', queue: '全員の待ち行列', help: '執筆支援', connected: '接続済み', notConnected: '未接続', covers: 'ジャケット', coversBoth: 'ここで描画、または画像モデル', coversOwn: 'ここで描画', registration: '新しいアカウント', registrations: { open: '誰でも', invite: '招待制', closed: '停止中' },
    media: '曲とジャケット', signed: '署名付きアドレスのみ', unsigned: 'アドレスを知る人', limits: '上限', limitsText: '一度に {{takes}} テイク、待機 {{waiting}} 曲', version: 'バージョン',
    memory: '使用中のメモリ', made: '起動してから作った分', madeText: '{{music}} の音楽を {{work}} で',
  },
  admin: {
    text: 'アカウント、招待、全員の待ち行列、ディスクとバックアップ。', only: '管理者用', onlyText: 'このページを見る権限がありません。', users: 'アカウント', admin: '管理者', disabled: '停止中', actions: '{{name}} を変更', change: '変更', makeAdmin: '管理者にする', takeAdmin: '管理者から外す', disable: '停止', enable: '再開', deleteUser: 'アカウントを消す', deleteText: '{{name}} とすべての曲を完全に消します。続けるには名前を入力してください。', typeName: 'アカウントの名前', invites: '招待', invite: '招待する', inviteOnce: 'このリンクを送ってください。表示は一度だけ、一つのアカウントに使えます。', inviteLink: '招待リンク',
    inviteUntil: '期限 {{date}}', noInvites: '有効な招待はありません。', removeInvite: '招待を取り消す', queue: '全員の待ち行列', disk: 'ディスク', audio_one: '{{count, number}} 曲', audio_other: '{{count, number}} 曲', coverFiles: 'ジャケット', cache: '他の形式（必要時に作成）', database: 'データベース', backups: 'バックアップ', free: '空き', backUp: '今すぐバックアップ', backedUp: 'バックアップを書きました。', noBackups: 'まだありません。', downloadBackup: '{{name}} をダウンロード', removeBackup: '{{name}} を消す',
    models: 'モデル', modelsText: '曲を作るモデル。新しいものは次の起動から使われます。', pullModels: '推奨モデルをダウンロード', pullOne: '{{name}} をダウンロード', modelHere: 'あり', recommended: '推奨', stopPull: 'ダウンロードを止める', pullLooking: '確認しています…', pullFetching: '{{name}}：{{done}} / {{total}}', pullChecking: '{{name}} を検証しています…', pullDone: 'すべて揃いました。次の起動から使われます。', pullCancelled: '止めました。届いた分は残ります。', pullFailed: 'ダウンロードに失敗しました：{{reason}}',
  },
};
