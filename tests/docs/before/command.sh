heart pull -q --source "$HF_ENDPOINT"
heart pull -q MuQ-MuLan-large --accept-licence CC-BY-NC-4.0
npy '<f4' 512 2048 > river.npy
safetensors a10 512 > latents.safetensors
heart generate -q --ref-embedding river.npy --max-audio-length-ms 2000 --save-path with-reference.flac
served heart serve
