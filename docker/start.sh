#!/bin/sh
# Starts visionbot in Docker: looks whether all is there that it needs, chooses by the card what to
# run, writes .env and secrets/ where they are missing, starts it, waits until it answers, and says
# where it is. What stands in .env and secrets/ already is never changed.
set -eu
unset CDPATH

cd "$(dirname "$0")"
# For commands that are shown: a folder may have a space in its name.
HERE=$(printf %s "$PWD" | sed 's|[^A-Za-z0-9_./-]|\\&|g')

MODEL=zai-org/GLM-4.6V-Flash
# From Docker's own packages: those of Debian have no compose plugin.
INSTALL='curl -fsSL https://get.docker.com | sudo sh'
ACTION=start DEVICE=auto DOMAIN_WANTED='' PROFILES='' DRY='' PROBLEMS=0 RUNNING='' CARD='' QUANTIZE=''
case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in zh*) LANGUAGE=zh ;; *) LANGUAGE=en ;; esac

main() {
  read_options "$@"
  case $ACTION in help) help; exit 0 ;; esac
  check_docker
  stop_at_problems
  case $ACTION in
    stop) run docker compose --profile '*' down; exit ;;
    status) status; exit ;;
  esac
  is_running && RUNNING=yes
  choose_device
  [ -n "$RUNNING" ] || check_room
  check_certificate
  stop_at_problems
  write_settings
  make_secrets
  build
  make_key
  # shellcheck disable=SC2086  # several words, each for itself
  run docker compose $PROFILES up --detach
  [ -z "$DRY" ] || exit 0
  wait_for_health
  tell_where
}

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --cpu) DEVICE=cpu ;;
      --gpu) DEVICE=gpu ;;
      --monitoring) PROFILES="$PROFILES --profile monitoring" ;;
      --https) [ $# -gt 1 ] || misused "$1"; PROFILES="$PROFILES --profile nginx" DOMAIN_WANTED=$2; shift ;;
      --stop) ACTION=stop ;;
      --status) ACTION=status ;;
      --dry-run) DRY=yes ;;
      --help | -h) ACTION=help ;;
      *) misused "$1" ;;
    esac
    shift
  done
}

help() {
  say "Usage: docker/start.sh [--cpu | --gpu] [--monitoring] [--https DOMAIN] [--dry-run]
       docker/start.sh --stop | --status | --help

  --cpu, --gpu     without or with an NVIDIA card; without either, a card is used if it is there
  --monitoring     Prometheus and Grafana too
  --https DOMAIN   nginx with TLS in front, reachable by others
  --dry-run        look and tell what would be done, and change nothing
  --stop           stop it; data and models stay
  --status         what runs, and whether it is well" \
    "用法：docker/start.sh [--cpu | --gpu] [--monitoring] [--https 域名] [--dry-run]
      docker/start.sh --stop | --status | --help

  --cpu, --gpu     不用或使用 NVIDIA 显卡；都不写时，有显卡就用
  --monitoring     同时启动 Prometheus 和 Grafana
  --https 域名     前面加上带 TLS 的 nginx，供他人访问
  --dry-run        只检查并说明会做什么，不改动任何东西
  --stop           停止；数据和模型会保留
  --status         什么在运行，是否正常"
}

misused() {
  say "$1 is no option, or its value is missing; see: docker/start.sh --help" \
    "没有 $1 这个选项，或者缺少它的值；请看：docker/start.sh --help" >&2
  exit 2
}

check_docker() {
  if ! command -v docker >/dev/null 2>&1; then
    problem "Docker is missing." "没有安装 Docker。" \
      "$(say "$INSTALL" "$INSTALL -s -- --mirror Aliyun")"
    return
  fi
  version=$(docker compose version --short 2>/dev/null) || version=''
  if [ -z "$version" ]; then
    problem "The compose plugin of Docker is missing." "缺少 Docker 的 compose 插件。" \
      "$(say "$INSTALL" "$INSTALL -s -- --mirror Aliyun")"
    return
  fi
  if is_before_2_24 "${version#v}"; then
    problem "The compose plugin is $version; 2.24 or newer is needed." \
      "compose 插件的版本是 $version，需要 2.24 或更新的版本。" \
      "sudo apt-get install --only-upgrade docker-compose-plugin"
    return
  fi
  check_daemon
}

is_before_2_24() {
  major=${1%%.*} rest=${1#*.}
  minor=${rest%%.*}
  [ "$major" -lt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -lt 24 ]; }
}

check_daemon() {
  said=$(docker info 2>&1) && return
  case $said in
    *"permission denied"*)
      problem "You may not use Docker yet. After this, log in anew:" \
        "你还没有使用 Docker 的权限。执行后请重新登录：" "sudo usermod -aG docker $(id -un)" ;;
    *)
      problem "Docker does not run." "Docker 没有在运行。" "sudo systemctl start docker" ;;
  esac
}

choose_device() {
  case $(setting COMPOSE_FILE) in
    '') ;;
    *gpu*) keep_device gpu ;;
    *) keep_device cpu ;;
  esac
  if [ "$(setting VISIONBOT_ENGINE__KIND)" = remote ]; then DEVICE=cpu; fi
  if [ "$DEVICE" != cpu ]; then find_card; fi
  if [ "$DEVICE" = gpu ]; then TARGET=cuda; else TARGET=cpu; fi
}

# An earlier start chose; another choice must be the person's own.
keep_device() {
  if [ "$DEVICE" != auto ] && [ "$DEVICE" != "$1" ]; then
    problem "docker/.env is made for --$1. To change over, delete these lines from it and start again:" \
      "docker/.env 是为 --$1 写的。要更换，请删掉其中这些行再启动：" \
      "sed -i '/^COMPOSE_FILE=/d; /^VISIONBOT_ENGINE__MODEL=/d; /^VISIONBOT_ENGINE__QUANTIZE=/d' $HERE/.env"
  fi
  DEVICE=$1
}

find_card() {
  if ! command -v nvidia-smi >/dev/null 2>&1; then
    without_card "No driver for an NVIDIA card is installed." "没有安装 NVIDIA 显卡驱动。" \
      "sudo apt-get install nvidia-driver && sudo reboot    # Ubuntu: sudo ubuntu-drivers install"
    return
  fi
  cards=$(nvidia-smi --query-gpu=memory.free,index,memory.total,compute_cap,driver_version,name \
    --format=csv,noheader,nounits 2>/dev/null) || cards=''
  if [ -z "$cards" ]; then
    problem "The driver does not reach the card, or is very old: nvidia-smi fails. Without the card: --cpu" \
      "驱动访问不到显卡，或者驱动太旧：nvidia-smi 出错。不用显卡启动：--cpu" "sudo reboot"
    return
  fi
  read_card "$(printf '%s\n' "$cards" | sort -t, -k1,1nr | head -n 1)"
  if [ -z "$(setting VISIONBOT_ENGINE__MODEL)" ]; then judge_card; else DEVICE=gpu; fi
  if [ "$DEVICE" = gpu ]; then check_driver; check_toolkit; fi
}

# "free, index, total, capability, driver, name", memory in MiB
read_card() {
  CARD_FREE=$(field 1 "$1") CARD=$(field 2 "$1") CARD_TOTAL=$(field 3 "$1")
  CAPABILITY=$(field 4 "$1") DRIVER=$(field 5 "$1") CARD_NAME=$(field 6 "$1")
}

field() { printf '%s\n' "$2" | cut -d, -f"$1" | sed 's/^ *//; s/ *$//'; }

# Cards have a little less than what is written on them.
judge_card() {
  case $CARD_TOTAL in '' | *[!0-9]*)
    without_card "$CARD_NAME does not tell how much memory it has." "$CARD_NAME 没有说明显存大小。" \
      "echo VISIONBOT_ENGINE__MODEL=$MODEL >> $HERE/.env"
    return ;;
  esac
  if [ "${CAPABILITY%%.*}" -lt 8 ]; then
    without_card "$CARD_NAME is too old for the model, which needs an RTX 30 or newer." \
      "$CARD_NAME 太旧，模型需要 RTX 30 系列或更新的显卡。" ""
    return
  elif [ "$CARD_TOTAL" -ge 22500 ]; then QUANTIZE=none needed=20500
  elif [ "$CARD_TOTAL" -ge 15000 ]; then QUANTIZE=int8 needed=12000
  elif [ "$CARD_TOTAL" -ge 11000 ]; then QUANTIZE=int4 needed=8500
  else
    without_card "$CARD_NAME has $CARD_TOTAL MiB; the model needs a card with 12 GB." \
      "$CARD_NAME 有 $CARD_TOTAL MiB 显存，模型需要 12 GB 的显卡。" ""
    return
  fi
  DEVICE=gpu
  if [ -z "$RUNNING" ] && [ "$CARD_FREE" -lt "$needed" ]; then
    problem "$CARD_NAME has $CARD_TOTAL MiB, but only $CARD_FREE MiB are free, and $needed MiB are needed. Close what uses it:" \
      "$CARD_NAME 有 $CARD_TOTAL MiB 显存，但只有 $CARD_FREE MiB 空闲，需要 $needed MiB。请关闭占用显存的程序：" \
      "nvidia-smi"
    return
  fi
  say "Card $CARD: $CARD_NAME, $CARD_TOTAL MiB: $MODEL, quantize = $QUANTIZE." \
    "显卡 $CARD：$CARD_NAME，$CARD_TOTAL MiB：$MODEL，quantize = $QUANTIZE。"
}

# Only who asked for the card is stopped by its absence.
without_card() {
  if [ "$DEVICE" = gpu ]; then
    problem "$1" "$2" "${3:-$HERE/start.sh --cpu}"
    return
  fi
  DEVICE=cpu
  say "$1 So the small demo model runs on the CPU." "$2因此用 CPU 运行小的演示模型。"
  [ -z "$3" ] || say "  If there is a card: $3" "  如果有显卡：$3"
}

# torch as PyPI has it is made with CUDA 13; one made with CUDA 12 is content with older drivers.
check_driver() {
  if [ -n "$(setting TORCH_INDEX_URL)" ] || [ "${DRIVER%%.*}" -ge 580 ]; then return; fi
  problem "The driver is $DRIVER; 580 or newer is needed. Install a newer one, or take a torch for older ones:" \
    "驱动版本是 $DRIVER，需要 580 或更新的版本。请安装新驱动，或改用适合旧驱动的 torch：" \
    "echo TORCH_INDEX_URL=https://download.pytorch.org/whl/cu126 >> $HERE/.env"
}

check_toolkit() {
  case "$(docker info --format '{{json .Runtimes}}' 2>/dev/null)" in *nvidia*) return ;; esac
  if command -v nvidia-container-runtime-hook >/dev/null 2>&1; then return; fi
  problem "Docker cannot hand over the card: the NVIDIA container toolkit is missing (its packages: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html)." \
    "Docker 无法使用显卡：缺少 NVIDIA container toolkit（安装源见 https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html）。" \
    "sudo apt-get install nvidia-container-toolkit && sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
}

# Not while it runs: then it is we who use it.
check_room() {
  if is_built; then check_disk 5; elif [ "$DEVICE" = gpu ]; then check_disk 45; else check_disk 8; fi
  check_port PUBLISH_PORT 8080
  case $PROFILES in *monitoring*) check_port PROMETHEUS_PORT 9090; check_port GRAFANA_PORT 3000 ;; esac
  case $PROFILES in *nginx*) check_port HTTP_PORT 80; check_port HTTPS_PORT 443 ;; esac
}

check_disk() {
  where=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null) && [ -d "$where" ] || where=.
  free_gb=$(df -Pk "$where" | awk 'NR == 2 {print int($4 / 1000000)}')
  [ "$free_gb" -ge "$1" ] || problem \
    "$1 GB of disk are needed for image and model; $where has $free_gb GB free. To delete what Docker no longer uses:" \
    "镜像和模型需要 $1 GB 磁盘空间，$where 只剩 $free_gb GB。删除 Docker 不再使用的东西：" \
    "docker system prune"
}

check_port() {
  port=$(setting_or "$1" "$2")
  command -v ss >/dev/null 2>&1 || return 0
  [ -z "$(ss -ltnH "sport = :$port")" ] || problem \
    "Port $port is taken (by whom: sudo ss -ltnp 'sport = :$port'). Stop that program, or take another port:" \
    "端口 $port 已被占用（查看：sudo ss -ltnp 'sport = :$port'）。请停止那个程序，或换一个端口：" \
    "echo $1=$((port + 1)) >> $HERE/.env"
}

check_certificate() {
  [ -n "$DOMAIN_WANTED" ] || return 0
  kept=$(setting DOMAIN)
  [ "${kept:-$DOMAIN_WANTED}" = "$DOMAIN_WANTED" ] || problem \
    "docker/.env is made for DOMAIN=$kept. To change over to $DOMAIN_WANTED, delete that line and start again:" \
    "docker/.env 是为 DOMAIN=$kept 写的。要换成 $DOMAIN_WANTED，请删掉这一行再启动：" \
    "sed -i '/^DOMAIN=/d' $HERE/.env"
  if [ -s secrets/tls_certificate ] && [ -s secrets/tls_key ]; then return; fi
  problem "docker/secrets/tls_certificate and tls_key are missing. With certbot, for example:" \
    "缺少 docker/secrets/tls_certificate 和 tls_key。例如用 certbot：" \
    "sudo certbot certonly --standalone -d $DOMAIN_WANTED && mkdir -p -m 700 $HERE/secrets && sudo cat /etc/letsencrypt/live/$DOMAIN_WANTED/fullchain.pem > $HERE/secrets/tls_certificate && sudo cat /etc/letsencrypt/live/$DOMAIN_WANTED/privkey.pem > $HERE/secrets/tls_key"
}

write_settings() {
  if [ ! -e .env ] && [ -z "$DRY" ]; then
    (umask 077 && {
      echo "# Written by start.sh, and yours from now on: it only adds what is missing."
      echo "# Any setting of config.toml: VISIONBOT_<SECTION>__<KEY>=value, such as VISIONBOT_TELEGRAM__TOKEN=..."
    } >.env)
  fi
  if [ "$DEVICE" = gpu ]; then
    add_setting COMPOSE_FILE compose.yaml:compose.gpu.yaml
    [ -z "$CARD" ] || add_setting GPU "$CARD"
    add_setting VISIONBOT_ENGINE__MODEL "$MODEL"
    [ -z "$QUANTIZE" ] || add_setting VISIONBOT_ENGINE__QUANTIZE "$QUANTIZE"
  else
    add_setting COMPOSE_FILE compose.yaml
  fi
  [ -z "$DOMAIN_WANTED" ] || add_setting DOMAIN "$DOMAIN_WANTED"
  zone=$(host_zone)
  [ -z "$zone" ] || has_zone || add_setting VISIONBOT_QUOTA__TIMEZONE "$zone"
}

# In the container it is always UTC, where days end at another hour.
host_zone() {
  link=$(readlink /etc/localtime 2>/dev/null) || return 0
  case $link in *zoneinfo/*) echo "${link##*zoneinfo/}" ;; esac
}

# The person's own choice in config.toml, which .env would overrule.
has_zone() {
  [ -n "$(awk '/^\[/ {here = /^\[quota\]/} here && /^timezone *= *["\047][^"\047]/' ../config.toml 2>/dev/null)" ]
}

add_setting() {
  [ -z "$(setting "$1")" ] || return 0
  if [ -n "$DRY" ]; then say "would write into docker/.env: $1=$2" "会写入 docker/.env：$1=$2"; return; fi
  # the last line may have been written without its end
  [ -z "$(tail -c 1 .env)" ] || echo >>.env
  echo "$1=$2" >>.env
}

setting() { if [ -e .env ]; then sed -n "s/^$1=//p" .env | tail -n 1 | tr -d "\"'"; fi; }
setting_or() { given=$(setting "$1") && echo "${given:-$2}"; }

make_secrets() {
  [ -n "$DRY" ] || [ -d secrets ] || mkdir -m 700 secrets
  make_secret access_code 16
  make_secret metrics_token 32
  make_secret grafana_admin_password 16
}

# Readable by all, in a folder that only its owner may enter: see compose.yaml.
make_secret() {
  [ ! -s "secrets/$1" ] || return 0
  if [ -n "$DRY" ]; then say "would make docker/secrets/$1" "会生成 docker/secrets/$1"; return; fi
  od -An -v -tx1 -N"$2" /dev/urandom | tr -d ' \n' >"secrets/$1"
  chmod 644 "secrets/$1"
}

is_built() { docker image inspect "visionbot:$TARGET" >/dev/null 2>&1; }

# Without a way to the internet, what was built before will do.
build() {
  run docker compose build && return
  if ! is_built; then say "The image could not be built; the reason stands above." "镜像构建失败，原因见上。" >&2; exit 1; fi
  say "The image could not be built anew, so the one that is there is started." "镜像未能重新构建，使用已有的镜像启动。"
}

# Others than this machine itself get no answer from the API without one.
make_key() {
  [ ! -s secrets/api_key ] || return 0
  if [ -n "$DRY" ]; then say "would make docker/secrets/api_key" "会生成 docker/secrets/api_key"; return; fi
  if ! said=$(docker compose run --rm --no-deps -T visionbot admin keys create first); then
    say "No API key could be made; the reason stands above." "无法生成 API 密钥，原因见上。" >&2
    exit 1
  fi
  (umask 077 && printf '%s\n' "$said" | tail -n 1 >secrets/api_key)
}

is_running() { [ -n "$(docker compose ps --quiet --status running visionbot 2>/dev/null)" ]; }

health() {
  container=$(docker compose ps --all --quiet visionbot 2>/dev/null) || return 0
  [ -z "$container" ] || docker inspect --format \
    '{{.State.Status}}/{{if .State.Health}}{{.State.Health.Status}}{{end}}/{{.RestartCount}}' \
    "$container" 2>/dev/null
}

wait_for_health() {
  limit=900 waited=0
  [ "$DEVICE" != gpu ] || limit=7200
  say "Starting; the model is loaded, and the first time fetched." "正在启动：加载模型，第一次还要下载。"
  while [ $waited -lt $limit ]; do
    case "$(health)" in
      */healthy/*) return ;;
      exited/* | dead/* | restarting/* | */unhealthy/* | running/*/[1-9]*) failed ;;
    esac
    sleep 2
    waited=$((waited + 2))
    [ $((waited % 20)) -ne 0 ] || echo "  ${waited} s: $(last_words 1)"
  done
  failed
}

last_words() { docker compose logs --no-log-prefix --tail "$1" visionbot 2>&1; }

failed() {
  say "It does not answer. Its last words:" "它没有正常启动。最后的日志：" >&2
  last_words 20 >&2
  say "When that is mended, start again: docker/start.sh" "解决之后再次启动：docker/start.sh" >&2
  exit 1
}

status() {
  docker compose --profile '*' ps --all
  case "$(health)" in
    */healthy/*) tell_where ;;
    '') say "It does not run. Start it: docker/start.sh" "没有在运行。启动：docker/start.sh"; return 1 ;;
    *) say "It is not well. Its last words:" "它不正常。最后的日志："; last_words 20; return 1 ;;
  esac
}

tell_where() {
  port=$(setting_or PUBLISH_PORT 8080)
  say "visionbot runs." "visionbot 已启动。"
  row "Page" "网页" "http://127.0.0.1:$port/"
  [ -z "$(setting DOMAIN)" ] || row "For others" "他人访问" "https://$(setting DOMAIN)/"
  row "Access code" "访问码" "$(cat secrets/access_code)"
  row "API" "API" "http://127.0.0.1:$port/v1"
  row "API key" "API 密钥" "docker/secrets/api_key"
  row "Operators" "管理" "cd $HERE && docker compose exec visionbot visionbot admin page"
  case $PROFILES in *monitoring*)
    row "Grafana" "Grafana" "http://127.0.0.1:$(setting_or GRAFANA_PORT 3000)/ (admin, docker/secrets/grafana_admin_password)" ;;
  esac
  echo
  say "Next: connect a chat: write VISIONBOT_TELEGRAM__TOKEN=... into docker/.env and run this again.
To see the page from another machine: ssh -L $port:127.0.0.1:$port $(uname -n)
To stop: docker/start.sh --stop" \
    "下一步：连接聊天平台。在 docker/.env 里写上 VISIONBOT_TELEGRAM__TOKEN=...，再运行一次。
从别的机器打开网页：ssh -L $port:127.0.0.1:$port $(uname -n)
停止：docker/start.sh --stop"
}

row() { if [ $LANGUAGE = zh ]; then echo "  $2：$3"; else printf '  %-12s %s\n' "$1" "$3"; fi; }
say() { if [ $LANGUAGE = zh ]; then echo "$2"; else echo "$1"; fi; }

# In English, in Chinese, and the command that mends it.
problem() {
  PROBLEMS=$((PROBLEMS + 1))
  { say "$1" "$2"; echo "    $3"; } >&2
}

stop_at_problems() { [ $PROBLEMS -eq 0 ] || exit 1; }

run() {
  if [ -z "$DRY" ]; then "$@"; else say "would run: $*" "会执行：$*"; fi
}

main "$@"
