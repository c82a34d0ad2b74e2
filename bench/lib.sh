# lib.sh -- what bench/train and bench/gpu.sh share; sourced, never run.

# The structures of zennas that are trained, with residual links: NAME|STEPS|ARCH, the steps of a measurement on
# a CPU, 0 where it would take too long.
structures()
{
    cat <<'END'
first, 0.09 M|20|SuperConvK3BNRELU(3,8,1,1)SuperResK3K3(8,16,1,8,1)SuperResK3K3(16,32,2,16,1)SuperResK3K3(32,64,2,32,1)SuperResK3K3(64,64,2,32,1)SuperConvK1BNRELU(64,128,1,1)
3 x 3|5|SuperConvK3BNRELU(3,32,1,1)SuperResK3K3(32,64,1,32,2)SuperResK3K3(64,96,2,48,2)SuperResK3K3(96,160,2,64,3)SuperResK3K3(160,160,2,80,2)SuperConvK1BNRELU(160,512,1,1)
bottlenecks, 1 M|3|SuperConvK3BNRELU(3,88,1,1)SuperResK1K7K1(88,120,1,16,1)SuperResK1K7K1(120,192,2,16,3)SuperResK1K5K1(192,224,1,24,4)SuperResK1K5K1(224,96,2,24,2)SuperResK1K3K1(96,168,2,40,3)SuperResK1K3K1(168,112,1,48,3)SuperConvK1BNRELU(112,512,1,1)
wide 3 x 3, 12 M|0|SuperConvK3BNRELU(3,64,1,1)SuperResK3K3(64,64,1,64,2)SuperResK3K3(64,128,2,128,2)SuperResK3K3(128,256,2,256,2)SuperResK3K3(256,512,2,512,2)SuperConvK1BNRELU(512,512,1,1)
END
}

spread() # Numbers on lines: median (smallest to largest).
{
    sort -g | awk '{ x[NR] = $1 } END { printf "%.2f (%.2f to %.2f)", x[int((NR + 1) / 2)], x[1], x[NR] }'
}

least() # Numbers on lines.
{
    sort -g | head -n 1
}

most() # Numbers on lines.
{
    sort -g | tail -n 1
}
