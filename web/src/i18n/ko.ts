import type { Dictionary } from '.';

export const ko: Dictionary = {
  ui: { close: '닫기', cancel: '취소', save: '저장', add: '추가', done: '완료', undo: '되돌리기', dismiss: '지우기', loading: '불러오는 중', tryAgain: '다시 시도' },
  errors: {
    title: '불러오지 못했습니다', unknown: '이 페이지에 문제가 생겼습니다. 새로 고치세요. 초안은 남아 있습니다.', unreachable: '스튜디오에 연결할 수 없습니다. 실행 중인지 확인하고 다시 시도하세요.', wrongPassword: '이메일이나 비밀번호가 맞지 않습니다.', emailTaken: '이 이메일의 계정이 이미 있습니다.', nameTaken: '이미 쓰는 이름입니다. 다른 이름을 고르세요.',
    tooMany: '너무 잦습니다. 조금 기다렸다가 다시 시도하세요.', tooManyFor: '너무 잦습니다. {{seconds}}초 뒤에 다시 시도하세요.', server: '스튜디오 쪽에 문제가 생겼습니다. 다시 시도하고, 계속되면 로그를 보세요.',
  },
  nav: { label: '주요 메뉴', create: '만들기', queue: '대기열', library: '보관함', system: '시스템', inQueue_one: '{{count}}곡 진행 중', inQueue_other: '{{count}}곡 진행 중' },
  shell: { skip: '본문으로', home: 'Heart Studio', notFound: '여기에는 아무것도 없습니다', notFoundText: '이 주소에는 내용이 없습니다. 곡이나 페이지가 옮겨졌을 수 있습니다.', toCreate: '곡 쓰기', lost: '스튜디오가 응답하지 않습니다. 다시 시도하는 중이며 입력은 남습니다.', offline: '오프라인입니다. 입력은 이 기기에 남습니다.' },
  user: { menu: '{{name}}의 계정', profile: '프로필', admin: '관리', keys: '단축키', system: '시스템 테마', light: '밝은 테마', dark: '어두운 테마', signOut: '로그아웃', install: '앱으로 설치' },
  keys: {
    title: '단축키', listening: '듣기', everywhere: '어디서나', writing: '쓰기와 비교', play: '재생 또는 멈춤', back: '10초 뒤로', forward: '10초 앞으로', nextPrevious: '다음, 이전', mute: '음소거', volume: '크게, 작게', repeatShuffle: '반복, 섞기', listeningView: '감상 화면',
    palette: '무엇이든 찾기', search: '곡 검색', toCreate: '만들기', toQueue: '대기열', toLibrary: '보관함', toSystem: '시스템', help: '이 목록', make: '만들기', switch: '테이크 바꾸기',
  },
  palette: { open: '무엇이든 찾기', label: '명령과 곡', placeholder: '페이지, 명령, 곡', nothing: '그런 이름이 없습니다.' },
  account: {
    welcome: '다시 오셨네요', welcomeText: '곡과 초안은 두고 간 그대로 있습니다.', create: '계정 열기', createText: '곡은 이 스튜디오에 남고 당신의 것입니다.', email: '이메일', name: '이름', password: '비밀번호', passwordAgain: '비밀번호 다시', passwordHint: '6자 이상. 긴 문장이 가장 좋습니다.', invite: '초대', inviteHint: '초대받은 사람만 쓸 수 있는 스튜디오입니다.',
    signIn: '로그인', signingIn: '로그인 중', createButton: '계정 열기', creating: '여는 중', register: '새로 열기', noAccount: '아직 계정이 없나요?', haveAccount: '계정이 있나요?', expired: '로그아웃되었습니다. 다시 로그인하세요. 초안은 남아 있습니다.', nameShort: '3자 이상.', emailBad: '이메일 주소가 아닙니다.', passwordShort: '6자 이상.', passwordsDiffer: '두 비밀번호가 다릅니다.',
    since: '{{date}}부터', language: '언어', theme: '테마', changePassword: '비밀번호 바꾸기', oldPassword: '지금 비밀번호', newPassword: '새 비밀번호', passwordChanged: '비밀번호를 바꿨습니다. 다른 기기는 로그아웃되었습니다.', everywhere: '모든 곳에서 로그아웃', everywhereText: '이 기기와 다른 모든 기기에서.', everywhereButton: '모두 로그아웃',
  },
  create: {
    heading: '곡 만들기', title: '제목', titlePlaceholder: '제목 없는 곡', untitled: '제목 없는 곡', startOver: '새로 시작', cleared: '빈 종이입니다. 이전 초안은 남아 있습니다.', earlier: '이전 초안', noEarlier: '이전 초안이 없습니다', noEarlierText: '초안이 바뀌면 이전 것이 여기에 남습니다.',
    why: { help: '글쓰기 도움 전', recipe: '다른 곡을 불러오기 전', cleared: '새로 시작하기 전', made: '곡으로 만듦', file: '파일을 열기 전' },
    idea: '글쓰기 도움에 줄 생각', ideaPlaceholder: '한 문장 생각: 양철 지붕의 비, 할머니 댁의 여름', songLanguage: '곡의 언어', write: '써 주기', writing: '쓰는 중', written: '초안이 쓰였습니다. 당신의 것은 남아 있습니다.', sound: '어떤 소리인가', pickTags: '태그 고르기', addTag: '태그 추가', addTagShort: '추가', tagsPlaceholder: '장르, 분위기, 악기, 목소리',
    removeTag: '{{tag}} 빼기', literal: '모델이 읽는 그대로', findTag: '태그를 찾거나 직접 쓰기', tagsAdvice: '먼저 장르, 그다음 목소리, 분위기, 악기 한두 개. 적고 분명한 것이 낫습니다.', doneTags_one: '완료, 태그 {{count}}개', doneTags_other: '완료, 태그 {{count}}개',
    groups: { genre: '장르', mood: '분위기', instrument: '악기', voice: '목소리', scene: '장면', region: '지역', topic: '주제' },
    words: '무엇을 노래하나', insert: '구간 추가', order: '구간 순서', section: { intro: '인트로', verse: '벌스', prechorus: '프리코러스', chorus: '코러스', bridge: '브리지', outro: '아웃트로', other: '구간' },
    sectionMenu: '구간 {{name}}', jump: '거기로 가기', earlierUp: '앞으로', laterDown: '뒤로', removeSection: '구간 지우기', lyricsPlaceholder: '[Verse]\n처음 부를 한 줄\n그에 답하는 한 줄\n\n[Chorus]\n사람들이 기억할 말',
    lines_one: '{{count}}줄', lines_other: '{{count}}줄', wordCount_one: '{{count}}단어', wordCount_other: '{{count}}단어', takes: '부르면 약 {{needed}}, 전체 {{of}}', noWordsYet: '아직 말이 없습니다', tooBig: '가사가 {{bytes}}바이트입니다. 이 스튜디오는 {{limit}}까지 받습니다. 줄이세요.',
    hint: {
      noSections: '[Verse]와 [Chorus]를 따로 한 줄에 쓰면 모델이 따릅니다.', unknownSection: '[{{detail}}]은 모델이 모르는 구간입니다. 부르거나 무시할 수 있습니다.', inlineNotes: '줄 안의 메모도 불립니다: “{{detail}}”. 소리는 태그에 쓰세요.', tooLong: '이 말은 약 {{needed}} 걸립니다. {{seconds}} 안에서는 끝이 잘립니다.', tooShort: '{{seconds}}에 말이 적습니다. 줄을 되풀이하거나 연주가 이어집니다.',
      instrumental: '말이 없으면 흥얼거리거나 지어낼 수 있습니다.', loneTag: '태그 하나로는 흔한 팝이나 침묵이 되기 쉽습니다. 목소리, 분위기, 악기를 더하세요.', noTags: '태그가 없으면 모델이 소리를 고릅니다.',
    },
    howLong: '얼마나 모험할까', duration: '최대 길이', fine: '세부 조정', changed_one: '{{count}}개 바뀜', changed_other: '{{count}}개 바뀜', temperature: '온도', temperatureText: '낮으면 무난하고, 높으면 모험하며 더 자주 넘어집니다.', topk: '후보 수 (top-k)', topkText: '다음 소리의 후보 수. 적으면 집중, 많으면 다양.', cfg: '유도', cfgText: '태그와 가사를 따르는 엄격함. 지나치면 억지스럽습니다.',
    takesLabel: '테이크', takesText: '같은 말로 만든 곡들, 저마다의 운. 비교해서 가장 좋은 것을 남기세요.', seed: '시드', seedText: '곡마다 새로 뽑습니다.', seedLockedText: '같은 시드와 설정이면 같은 곡이 됩니다.', seedDrawn: '자동', lockSeed: '시드 고정', unlockSeed: '매번 새로 뽑기', drawSeed: '시드 뽑기', nextSeed: '시드 + 1', defaults: '기본값으로', presets: '프리셋', savePreset: '이 설정 저장', presetName: '프리셋 이름', presetTags: '태그 포함',
    presetSaved: '“{{name}}”을 저장했습니다.', removePreset: '{{name}} 지우기', make: '만들기', asking: '요청 중', lacking: '먼저 한 줄을 쓰거나 태그를 고르세요.', kept: '초안은 남아 있습니다.', queued_one: '곡이 대기열에 있습니다.', queued_other: '{{count}}개 테이크가 대기열에 있습니다.', seeQueue: '보기', promise: '최대 {{span}}의 음악', promiseTakes: '최대 {{span}} 테이크 {{count}}개', promiseWork: '만드는 데 약 {{span}}', promisePosition: '{{position}}번째', promiseNow: '바로 시작',
  },
  making: {
    now: '진행 중', all: '전체 대기열', latest: '최근 곡', idle: '지금 만드는 것이 없습니다.', empty: '대기열이 비었습니다', emptyText: '몇 줄과 태그 두 개면 첫 곡에 충분합니다.', emptyAction: '곡 쓰기', endedTitle: '실패하거나 취소됨', count_one: '{{count}}곡이 기다리거나 제작 중', count_other: '{{count}}곡이 기다리거나 제작 중',
    phase: { waiting: '대기 중', loading: '모델 불러오는 중', composing: '작곡 중', rendering: '소리 만드는 중', tagging: '표지와 정보', ended: '완료' }, position: '{{position}}번째', eta: '약 {{span}} 남음', composed: '작곡됨', rendered: '들을 수 있음', progress: '{{title}}의 진행', listen: '만들어지는 {{title}} 듣기', first: '다음으로 만들기', cancel: '{{title}} 취소',
    failed: '만들지 못했습니다.', cancelled: '취소했습니다.', kept: '말과 설정은 남아 있습니다.', retry: '다시 시도', edit: '고치고 나서', forget: '지우기', ready: '“{{title}}” 완성.', failedToast: '“{{title}}”을 만들지 못했습니다. 이유는 대기열에 있습니다.',
  },
  player: { label: '플레이어', play: '재생', pause: '멈춤', playPause: '재생 또는 멈춤', playAll: '모두 재생', next: '다음', previous: '이전', shuffle: '섞기', repeat: { off: '반복: 끔', all: '반복: 전체', one: '반복: 이 곡' }, speed: '빠르기', volume: '음량', mute: '음소거', unmute: '소리 켜기', position: '곡의 위치', live: '만들어지는 대로 듣고 있습니다', open: '감상 화면 열기', shut: '감상 화면 닫기', listening: '감상', close: '플레이어 닫기', failed: '이 곡이 재생되지 않습니다. 다시 시도하세요.' },
  library: {
    songs_one: '{{count, number}}곡', songs_other: '{{count, number}}곡', search: '제목, 태그, 가사 검색', favourites: '즐겨찾기', favourite: '즐겨찾기: {{title}}', order: '순서', orders: { newest: '최신순', oldest: '오래된 순', title: '제목순', longest: '긴 순' }, asTable: '표로 보기', asCards: '카드로 보기', bin: '휴지통', binText: '곡은 여기에 30일 동안 남습니다.', binEmpty: '휴지통이 비었습니다', binEmptyText: '지운 곡은 여기에 30일 동안 남습니다.',
    back: '보관함으로', empty: '아직 곡이 없습니다', emptyText: '만든 곡은 모두 만든 방법과 함께 여기에 남습니다.', nothingFound: '찾지 못했습니다', nothingFoundText: '모든 단어가 제목, 태그, 가사에 있어야 합니다.', clearSearch: '모두 보기', play: '{{title}} 재생', select: '{{title}} 고르기', chosen_one: '{{count}}곡 선택', chosen_other: '{{count}}곡 선택', chooseAll: '보이는 것 모두', clearChoice: '선택 해제', more: '{{title}} 더 보기', details: '자세히', again: '이 설정으로 다시 만들기', loaded: '만드는 법을 만들기에 열었습니다. 초안은 남아 있습니다.',
    playNext: '재생 목록 끝에 추가', addToPlaylist: '목록에 추가', share: '공유', compare: '비교', remove: '지우기', removed_one: '휴지통으로 옮겼습니다.', removed_other: '{{count}}곡을 휴지통으로 옮겼습니다.', restore: '휴지통에서 꺼내기', restoreOne: '{{title}} 휴지통에서 꺼내기', restored_one: '보관함으로 돌아왔습니다.', restored_other: '{{count}}곡이 보관함으로 돌아왔습니다.', download: '내려받기', format: { wav: 'WAV, 만든 그대로', flac: 'FLAC, 작고 손실 없음', mp3: 'MP3, 어디서나 재생', opus: 'Opus, 가장 작음' }, downloadAs: { wav: 'WAV 내려받기', flac: 'FLAC 내려받기', mp3: 'MP3 내려받기', opus: 'Opus 내려받기' },
    rename: '이름 바꾸기', lyrics: '가사', noLyrics: '이 곡에는 말이 없습니다.', findTimes: '각 줄이 불리는 때 찾기', timesWait: '들을 차례를 기다리는 중…', timesListen: '각 줄을 듣는 중…', timesFailed: '되지 않았습니다. 나중에 다시 해 보세요.', timesFull: '기다리는 곡이 너무 많습니다. 나중에 다시 해 보세요.', saveTimes: '시간이 있는 가사 (LRC)', timesSaveFailed: '파일을 가져오지 못했습니다.', recipe: '만든 방법', allSettings: '모든 설정', unknownSeed: '모름', takeLabel: '테이크', take: '테이크 {{number}}', takes: '테이크', rating: '{{title}} 평가', stars_one: '별 {{count}}개', stars_other: '별 {{count}}개', gone: '이 곡은 여기 없습니다', goneText: '휴지통에 있거나 다른 사람의 것일 수 있습니다.', copyLink: '이 곡의 링크 복사', linkCopied: '복사했습니다. 당신에게만 열립니다. 남에게 보이려면 공유하세요.', shareText: '링크가 있으면 계정 없이 이 곡을 듣고 가사를 읽을 수 있습니다.',
    shareFor: '기간', days_one: '{{count}}일', days_other: '{{count}}일', makeLink: '링크 만들기', link: '링크', copy: '복사', copied: '복사했습니다', copyFailed: '브라우저가 복사를 막았습니다. 글을 선택해 복사하세요.', sharedUntil: '{{date}}까지 유효', withdraw: '모든 링크 거두기', unshared: '이 곡의 링크는 모두 무효입니다.', playlist: '목록', playlists: '목록', newPlaylist: '새 목록', playlistName: '목록 이름', added_one: '“{{name}}”에 추가했습니다.', added_other: '{{count}}곡을 “{{name}}”에 추가했습니다.', playlistEmpty: '아직 비었습니다', playlistEmptyText: '보관함에서 곡을 골라 이 목록에 추가하세요.', playlistRemoved: '목록은 사라졌고 곡은 남습니다.',
    removePlaylist: '이 목록 지우기', noPlaylist: '이 목록은 여기 없습니다', moveUp: '{{title}} 위로', moveDown: '{{title}} 아래로', takeOut: '{{title}} 목록에서 빼기', column: { title: '제목', tags: '태그', length: '길이', rating: '평가', made: '만든 때' }, dropHere: '곡을 놓으면 만드는 법이 열립니다', noRecipe: '“{{name}}”에 Heart의 만드는 법이 없습니다.',
    cover: '표지', changeCover: '표지 바꾸기', coverOwn: '내 그림', coverModel: '그림 모델이 그리게 하기', coverDrawn: '곡에서 새로 그리기', coverChanged: '표지를 바꿨습니다.', noPicture: '이 브라우저가 읽을 수 없는 그림입니다. PNG나 JPEG로 해 보세요.', emptyBin: '휴지통 비우기', purge: '완전히 지우기', purgeText_one: '{{count}}곡이 소리와 표지까지 완전히 지워집니다. 되돌릴 수 없습니다.', purgeText_other: '{{count}}곡이 소리와 표지까지 완전히 지워집니다. 되돌릴 수 없습니다.', purged_one: '{{count}}곡을 완전히 지웠습니다.', purged_other: '{{count}}곡을 완전히 지웠습니다.',
  },
  compare: { title: '테이크 비교', text: '모두 같은 자리, 가장 조용한 것에 맞춘 크기.', hear: '듣기', hearing: '듣는 중', keys: 'X는 다음 테이크, 1~8은 선택, 스페이스는 재생.', few: '두 곡이 필요합니다', fewText: '테이크가 여럿인 곡에서 여세요.' },
  shared: { from: 'Heart Studio로 만듦', gone: '이 링크는 더 이상 열리지 않습니다', goneText: '기한이 지났거나 거두어졌습니다. 보낸 사람에게 새로 부탁하세요.' },
  hooks: {
    title: '웹훅', text: '내 곡이 완성되거나 실패하거나 취소되면 알려 줄 주소입니다.', url: '주소', remove: '{{url}} 지우기', secret: '비밀 키', secretOnce: '이 키로 메시지가 여기서 왔는지 확인합니다. 이번 한 번만 보여 줍니다.',
  },
  system: {
    text: '이 스튜디오의 지금 모습과 할 수 있는 일.', api: 'API', gpu: '이 그래픽 카드에서 곡을 만듭니다.', cpu: '이 프로세서에서 곡을 만듭니다.', pace: '음악 1초에 약 {{factor}}초.', model: '모델', loaded: '메모리', inMemory: '올라와 있음', notInMemory: '첫 곡과 함께 올라옴', queue: '모두의 대기열', help: '글쓰기 도움', connected: '연결됨', notConnected: '연결 안 됨', covers: '표지', coversBoth: '여기서 그리거나 이미지 모델로', coversOwn: '여기서 그림', registration: '새 계정', registrations: { open: '누구나', invite: '초대로', closed: '닫힘' },
    media: '곡과 표지', signed: '서명된 주소로만', unsigned: '주소를 아는 사람에게', limits: '한도', limitsText: '한 번에 테이크 {{takes}}개, 대기 {{waiting}}곡', version: '버전',
    memory: '사용 중인 메모리', made: '시작한 뒤 만든 것', madeText: '음악 {{music}}, 걸린 시간 {{work}}',
  },
  admin: {
    text: '계정, 초대, 모두의 대기열, 디스크와 백업.', only: '관리자 전용', onlyText: '이 페이지를 볼 권한이 없습니다.', users: '계정', admin: '관리자', disabled: '정지됨', actions: '{{name}} 바꾸기', change: '바꾸기', makeAdmin: '관리자로', takeAdmin: '관리자 해제', disable: '정지', enable: '재개', deleteUser: '계정 지우기', deleteText: '{{name}}과 모든 곡을 영구히 지웁니다. 계속하려면 이름을 입력하세요.', typeName: '계정 이름', invites: '초대', invite: '초대하기', inviteOnce: '이 링크를 보내세요. 이번 한 번만 보이고 한 계정에 쓸 수 있습니다.', inviteLink: '초대 링크',
    inviteUntil: '{{date}} 만료', noInvites: '열린 초대가 없습니다.', removeInvite: '초대 거두기', queue: '모두의 대기열', disk: '디스크', audio_one: '{{count, number}}곡', audio_other: '{{count, number}}곡', coverFiles: '표지', cache: '다른 형식, 필요할 때 만듦', database: '데이터베이스', backups: '백업', free: '남음', backUp: '지금 백업', backedUp: '백업을 썼습니다.', noBackups: '아직 없습니다.', downloadBackup: '{{name}} 내려받기', removeBackup: '{{name}} 지우기',
    models: '모델', modelsText: '곡을 만드는 모델입니다. 새 모델은 다음 시작부터 쓰입니다.', pullModels: '추천 모델 내려받기', pullOne: '{{name}} 내려받기', modelHere: '있음', recommended: '추천', stopPull: '내려받기 멈추기', pullLooking: '무엇이 있는지 보는 중…', pullFetching: '{{name}}: {{total}} 중 {{done}}', pullChecking: '{{name}} 확인 중…', pullDone: '모두 있습니다. 다음 시작부터 쓰입니다.', pullCancelled: '멈췄습니다. 받은 것은 남습니다.', pullFailed: '내려받지 못했습니다: {{reason}}',
  },
};
