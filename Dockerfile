# The workflow with Snakemake and all environments of envs/, for profiles/kubernetes, Docker, Apptainer:
#
#   docker build --tag vame-pipeline .                          # --build-arg CUDA=12.9 for GPUs
#   docker run --rm --volume ~/my-project:/project vame-pipeline --directory /project --cores 8
FROM condaforge/miniforge3:24.11.3-0

# The CUDA version that environments are solved for, since a building machine has no GPU; empty for none.
ARG CUDA=""

RUN mamba create --yes --quiet --prefix /opt/snakemake --channel conda-forge --override-channels \
        python=3.11 pip \
    && /opt/snakemake/bin/pip install --no-cache-dir \
        "snakemake[reports]==9.27.1" \
        "snakemake-executor-plugin-kubernetes==0.5.1" \
        "snakemake-storage-plugin-http==0.3.1" \
        "snakemake-storage-plugin-s3==0.3.6" \
        h5py pandas tables \
    && conda clean --all --yes
ENV PATH=/opt/snakemake/bin:$PATH

WORKDIR /vame-pipeline
COPY Snakefile CITATION.cff LICENSE ./
COPY config config
COPY envs envs
COPY profiles profiles
COPY workflow workflow

# Between them, these targets use every environment.
RUN CONDA_OVERRIDE_CUDA="$CUDA" snakemake --cores 1 --use-conda --conda-prefix /conda-envs \
        --conda-create-envs-only all ro_crate verify \
    && conda clean --all --yes \
    && rm -rf .snakemake

ENTRYPOINT ["snakemake", "--snakefile", "/vame-pipeline/Snakefile", "--use-conda", "--conda-prefix", "/conda-envs"]
