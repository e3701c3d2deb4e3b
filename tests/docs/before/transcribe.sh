heart pull -q HeartTranscriptor-oss
